/** Replays of this server, the newest first, and one of them in full. */
import type { ReplayJobJson } from '../../../api/dead-letter-replays.ts';
import { count } from '../../format.ts';
import { Empty, Loaded } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { FailuresFrame } from './failures-frame.tsx';
import { ReplayPanel } from './replay-panel.tsx';
import { outcomeWords, stateKind, stateWords } from './replay-words.ts';

const COLUMNS: readonly Column<ReplayJobJson>[] = [
  {
    head: 'Begun',
    names: true,
    value: (job) => job.started_at,
    show: ({ id, started_at: at }) => (
      <a href={pathTo('failures', 'replays', id)}>
        <Time at={at} as="full" />
      </a>
    ),
  },
  { head: 'State', value: ({ state }) => state, show: (job) => <State kind={stateKind(job)}>{stateWords(job)}</State> },
  { head: 'Planned', number: true, value: ({ planned }) => planned, show: ({ planned }) => count(planned) },
  { head: 'Sent', number: true, value: ({ sent }) => sent, show: ({ sent }) => count(sent) },
  { head: 'Refused', number: true, value: ({ refused }) => refused, show: ({ refused }) => count(refused) },
  { head: 'Outcome, when last looked at', value: outcomeWords },
];

export function ReplaysPage({ id }: { readonly id: string | null }) {
  const jobs = useResource<{ readonly replays: readonly ReplayJobJson[] }>('/api/v1/dlq/replays', { everyMs: 2_000 });
  return (
    <FailuresFrame
      title="Replays"
      lead="Dead letters on their way back, one replay at a time. A replay goes on when this page is closed, and ends with the server."
    >
      {id !== null && <ReplayPanel key={id} id={id} />}
      <Loaded of={jobs} what="replays">
        {({ replays }) => (
          <Panel
            title="So far"
            note="the last twenty since the server began"
            flush
            actions={<ExportButtons name="replays" columns={COLUMNS} rows={replays} />}
          >
            <Table
              caption="Replays so far"
              columns={COLUMNS}
              rows={replays}
              keyOf={(job) => job.id}
              selected={(job) => job.id === id}
              empty={
                <Empty title="Nothing was replayed since the server began">
                  <p>
                    Choose a <a href="/failures">kind of failure</a> or a <a href="/failures/letters">dead letter</a>,
                    and replay it there.
                  </p>
                </Empty>
              }
            />
          </Panel>
        )}
      </Loaded>
    </FailuresFrame>
  );
}
