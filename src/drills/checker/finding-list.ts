import type { Finding, FindingKind } from './findings.ts';

const MAX_EXAMPLES = 10;

/** Counts every finding and keeps the first few of each kind as sentences. */
export class FindingList {
  readonly #found = new Map<FindingKind, { count: number; readonly examples: string[] }>();

  /** @param example only built where it is kept */
  add(kind: FindingKind, example: () => string, count = 1): void {
    let found = this.#found.get(kind);
    if (found === undefined) {
      found = { count: 0, examples: [] };
      this.#found.set(kind, found);
    }
    found.count += count;
    if (found.examples.length < MAX_EXAMPLES) found.examples.push(example());
  }

  /** In the order in which the kinds were first found. */
  all(): Finding[] {
    return [...this.#found].map(([kind, found]) => ({ kind, ...found }));
  }
}
