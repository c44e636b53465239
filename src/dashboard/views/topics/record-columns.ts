/** What is exported of listed records. */
import type { Cell } from '../../export.ts';
import type { RecordRow } from './record-row.ts';

export const RECORD_COLUMNS: readonly { readonly head: string; readonly value: (row: RecordRow) => Cell }[] = [
  { head: 'topic', value: ({ topic }) => topic },
  { head: 'partition', value: ({ partition }) => partition },
  { head: 'offset', value: ({ offset }) => offset },
  {
    head: 'published_at',
    value: ({ timestamp }) =>
      Number.isNaN(new Date(timestamp).getTime()) ? timestamp : new Date(timestamp).toISOString(),
  },
  { head: 'event_type', value: ({ type }) => type },
  { head: 'event_id', value: ({ eventId }) => eventId },
  { head: 'key', value: ({ key }) => key },
  { head: 'value_bytes', value: ({ bytes }) => bytes },
  { head: 'value_begins', value: ({ preview }) => preview },
  { head: 'unreadable_because', value: ({ unreadable }) => unreadable },
];

/** In JSON as in CSV: the names and times of the API. */
export function recordJson(row: RecordRow): Readonly<Record<string, Cell>> {
  return Object.fromEntries(RECORD_COLUMNS.map(({ head, value }) => [head, value(row)]));
}
