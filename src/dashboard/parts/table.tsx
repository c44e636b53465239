/** A table that sorts by its columns and can be taken along as CSV or JSON. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { download } from '../download.ts';
import { type Cell, toCsv } from '../export.ts';
import { Button } from './controls.tsx';
import { ScrollRegion } from './scroll-region.tsx';

export interface Column<T> {
  readonly head: string;
  /** What is sorted by and exported; what is shown too, where `show` is not there. */
  readonly value: (row: T) => Cell;
  readonly show?: (row: T) => ComponentChildren;
  /** Of `value`, where `show` writes it beside each: the head in a file has it. */
  readonly unit?: string;
  /** Set to the right, not wrapped. */
  readonly number?: boolean;
  /** The one that names the row. */
  readonly names?: boolean;
}

interface TableProps<T> {
  /** What it lists; not shown, but read out. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Marks a row. */
  readonly selected?: (row: T) => boolean;
  /** In place of rows where there are none. */
  readonly empty?: ComponentChildren;
  /** Scrolls in itself when it is long. */
  readonly tall?: boolean;
  /** As they come, without the buttons in its head. */
  readonly unsorted?: boolean;
}

export function Table<T>(props: TableProps<T>) {
  const { caption, columns, rows, keyOf, selected, empty, tall = false, unsorted = false } = props;
  const order = useSignal<{ readonly column: number; readonly down: boolean } | null>(null);
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  const by = order.value;
  const sorted = by === null ? rows : sortedBy(rows, columns[by.column]!, by.down);
  return (
    <ScrollRegion class={`table-scroll ${tall ? 'tall' : ''}`} label={caption}>
      <table class={columns.length > 2 ? 'table stacks' : 'table'}>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, number = false }, column) => {
              const current = by?.column === column ? by : null;
              return (
                <th
                  key={head}
                  scope="col"
                  class={number ? 'number' : ''}
                  aria-sort={current === null ? undefined : current.down ? 'descending' : 'ascending'}
                >
                  {unsorted ? (
                    head
                  ) : (
                    <button
                      type="button"
                      onClick={() => {
                        order.value = { column, down: current === null ? number : !current.down };
                      }}
                    >
                      {head}
                      <span aria-hidden="true">{current === null ? '' : current.down ? ' ↓' : ' ↑'}</span>
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={keyOf(row)} class={selected?.(row) ? 'selected' : ''}>
              {columns.map((column) => {
                const content = column.show?.(row) ?? column.value(row) ?? '–';
                return column.names ? (
                  <th
                    key={column.head}
                    scope="row"
                    // a number alone names nothing where no head stands above it
                    data-head={typeof column.value(row) === 'number' ? column.head : ''}
                  >
                    {content}
                  </th>
                ) : (
                  <td key={column.head} class={column.number ? 'number' : ''} data-head={column.head}>
                    <div>{content}</div>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function sortedBy<T>(rows: readonly T[], { value }: Column<T>, down: boolean): T[] {
  const sign = down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    // what is not known comes last, whichever way
    if (left === null || left === undefined) return right === null || right === undefined ? 0 : 1;
    if (right === null || right === undefined) return -1;
    if (typeof left === 'string' && typeof right === 'string')
      return sign * left.localeCompare(right, 'en', { numeric: true });
    return sign * (Number(left) - Number(right));
  });
}

interface ExportProps<T> {
  /** Of the files, without their ending. */
  readonly name: string;
  readonly columns: readonly Pick<Column<T>, 'head' | 'value' | 'unit'>[];
  readonly rows: readonly T[];
  /** A row of the JSON; without it the row itself, as the API has it. */
  readonly json?: (row: T) => unknown;
}

/** What is listed, as files: CSV has its columns, JSON the whole rows. */
export function ExportButtons<T>({ name, columns, rows, json = (row) => row }: ExportProps<T>) {
  const disabled = rows.length === 0;
  return (
    <>
      <Button
        small
        kind="quiet"
        disabled={disabled}
        label={`Save ${name} as CSV`}
        onClick={() =>
          download(
            `${name}.csv`,
            'text/csv',
            toCsv(
              columns.map(({ head, unit }) => (unit === undefined ? head : `${head} (${unit})`)),
              rows.map((row) => columns.map(({ value }) => value(row))),
            ),
          )
        }
      >
        CSV
      </Button>
      <Button
        small
        kind="quiet"
        disabled={disabled}
        label={`Save ${name} as JSON`}
        onClick={() => download(`${name}.json`, 'application/json', `${JSON.stringify(rows.map(json), null, 2)}\n`)}
      >
        JSON
      </Button>
    </>
  );
}
