import type { Reset } from '../../../api/group-schemas.ts';
import { count } from '../../format.ts';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { changeText, effectText } from './reset-model.ts';

type Row = Reset['resets'][number];

const MAX_ROWS = 500;

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Topic', names: true, value: ({ topic }) => topic },
  { head: 'Partition', number: true, value: ({ partition }) => partition },
  { head: 'From', number: true, value: ({ from }) => from, show: ({ from }) => count(from) },
  { head: 'To', number: true, value: ({ to }) => to, show: ({ to }) => <b>{count(to)}</b> },
  { head: 'Change', number: true, value: ({ from, to }) => (from === null ? null : to - from), show: changeText },
  { head: 'Effect', value: effectText },
  { head: 'Log from', number: true, value: ({ start }) => start, show: ({ start }) => count(start) },
  { head: 'Log to', number: true, value: ({ end }) => end, show: ({ end }) => count(end) },
];

export function ResetTable({ of: { resets, executed } }: { readonly of: Reset }) {
  if (resets.length === 0) return null;
  return (
    <>
      <Table
        caption={executed ? 'Offsets that were set' : 'Offsets that would be set'}
        columns={COLUMNS}
        rows={resets.slice(0, MAX_ROWS)}
        keyOf={({ topic, partition }) => `${topic}/${partition}`}
        tall
      />
      {resets.length > MAX_ROWS && (
        <p class="small muted panel-text">
          The first {MAX_ROWS} of {count(resets.length)}; the files have them all.
        </p>
      )}
    </>
  );
}

export function ResetExport({ of: { resets, group } }: { readonly of: Reset }) {
  return <ExportButtons name={`reset-${group}`} columns={COLUMNS} rows={resets} />;
}
