/** Numbers as they are shown, in the words of `src/dashboard/format.ts`. */
import type { Page } from 'playwright-core';

/** `data-figure="…"`; NaN where it is shown as not known. */
export async function figure(page: Page, name: string): Promise<number> {
  return numberIn(await page.locator(`[data-figure="${name}"]`).first().innerText());
}

/** `12,345 records` -> 12345 */
export function numberIn(text: string): number {
  const [digits] = /-?[\d,]+(\.\d+)?/.exec(text) ?? [];
  return digits === undefined ? Number.NaN : Number(digits.replaceAll(',', ''));
}

/** The rows of the table with this caption, by the heads of its columns. */
export function tableRows(page: Page, caption: string): Promise<Record<string, string>[]> {
  return page
    .locator('table', { has: page.locator('caption', { hasText: new RegExp(`^${caption}$`) }) })
    .first()
    .evaluate((table: Table) => {
      const heads = Array.from(table.tHead.rows[0]!.cells, (cell) => cell.innerText.replace(/[ ↑↓]+$/, ''));
      const row = ({ cells }: Row) =>
        Object.fromEntries(Array.from(cells, ({ innerText }, i) => [heads[i], innerText]));
      return Array.from(table.tBodies[0]!.rows, row);
    });
}

/** Of the DOM, what is used here. */
interface Row {
  readonly cells: ArrayLike<{ readonly innerText: string }>;
}
interface Table {
  readonly tHead: { readonly rows: readonly Row[] };
  readonly tBodies: readonly { readonly rows: ArrayLike<Row> }[];
}
