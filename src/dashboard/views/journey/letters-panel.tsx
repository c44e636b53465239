import type { JourneyAnswer } from '../../../api/journeys.ts';
import { plural } from '../../format.ts';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Id, Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';

type Letter = JourneyAnswer['dead_letters'][number];

const COLUMNS: readonly Column<Letter>[] = [
  {
    head: 'Dead letter',
    names: true,
    value: ({ id }) => id,
    show: ({ id }) => <Id value={id} href={pathTo('failures', 'letters', id)} />,
  },
  { head: 'Code', value: ({ code }) => code, show: ({ code }) => <code>{code}</code> },
  { head: 'Reason', value: ({ reason }) => reason },
  { head: 'Attempts', number: true, value: ({ delivery_count }) => delivery_count },
  {
    head: 'Given up',
    value: ({ captured_at }) => captured_at,
    show: ({ captured_at }) => <Time at={captured_at} as="full" />,
  },
  {
    head: 'State',
    value: ({ replayed }) => (replayed ? 'replayed' : 'open'),
    show: ({ replayed, replayed_at }) =>
      replayed ? (
        <State kind="ok">replayed {plural(Math.max(1, replayed_at.length), 'time')}</State>
      ) : (
        <State kind="bad">open</State>
      ),
  },
];

export function LettersPanel({ letters }: { readonly letters: readonly Letter[] }) {
  return (
    <Panel title="Dead letters" note="edit, check and replay them where failures are" flush>
      <Table caption="Dead letters of this event" unsorted columns={COLUMNS} rows={letters} keyOf={({ id }) => id} />
    </Panel>
  );
}
