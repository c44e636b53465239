/** A replay as it goes, and what became of what it sent. It goes on without this page. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ReplayJobJson } from '../../../api/dead-letter-replays.ts';
import { count, rate } from '../../format.ts';
import { asProblem, type Problem, remove } from '../../http.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import { Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { Progress, Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { ReplayProblems } from './replay-problems.tsx';
import { isSettled, outcomeWords, progressWords, stateKind, stateWords } from './replay-words.ts';

const POLL_MS = 700;

interface ReplayPanelProps {
  readonly id: string;
  readonly onClose?: () => void;
  /** What was sent is marked as replayed now. */
  readonly onEnded?: () => void;
}

export function ReplayPanel({ id, onClose, onEnded }: ReplayPanelProps) {
  const job = useResource<ReplayJobJson>(`/api/v1/dlq/replays${pathTo(id)}`, { everyMs: POLL_MS });
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const cancel = async () => {
    busy.value = true;
    try {
      await remove(`/api/v1/dlq/replays${pathTo(id)}`);
      job.reload();
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };
  const { data } = job;
  const ended = data !== null && data.state !== 'RUNNING';
  useEffect(() => {
    if (ended) onEnded?.();
  }, [ended]);
  return (
    <Panel
      title="Replay"
      note={
        data === null ? undefined : (
          <>
            <State kind={stateKind(data)}>{stateWords(data)}</State> · begun <Time at={data.started_at} as="ago" />, at
            most {rate(data.rate_per_second)}
          </>
        )
      }
      actions={
        <>
          {data?.state === 'RUNNING' && (
            <Button small kind="danger" busy={busy.value} disabled={data.cancelling} onClick={() => void cancel()}>
              Cancel the replay
            </Button>
          )}
          {onClose !== undefined && (
            <Button small kind="quiet" onClick={onClose}>
              Hide
            </Button>
          )}
        </>
      }
    >
      {problem.value !== null && <ProblemNote problem={problem.value} />}
      {job.problem?.code === 'UNKNOWN_REPLAY' ? (
        <Empty title="This replay is not known any more">
          <p>The last twenty are, until the server stops. What was sent stays sent.</p>
        </Empty>
      ) : (
        job.problem !== null && <ProblemNote problem={job.problem} retry={job.reload} />
      )}
      {data === null ? job.problem === null && <Loading what="the replay" /> : <Course job={data} />}
    </Panel>
  );
}

function Course({ job }: { readonly job: ReplayJobJson }) {
  const { planned, sent, refused, failed, fates, problems, error, dead_again: deadAgain } = job;
  return (
    <div class="stack">
      <Progress label="Replay" share={planned === 0 ? 1 : sent / planned} text={progressWords(job)} />
      <p role="status" class="failure-outcome">
        <State kind={isSettled(job) ? (fates.dead > 0 ? 'warn' : 'ok') : 'busy'}>{outcomeWords(job)}</State>
      </p>
      {error !== null && (
        <Note kind="bad">
          It stopped: {error.message} <code>{error.code}</code>. What was sent is marked as replayed; begin it again for
          the rest.
        </Note>
      )}
      <Figures
        items={[
          { label: 'Sent', value: count(sent), name: 'replay-sent' },
          { label: 'Counted once', value: count(fates.applied), name: 'replay-applied' },
          { label: 'Dead again', value: count(fates.dead), name: 'replay-dead' },
          { label: 'Refused', value: count(refused), name: 'replay-refused' },
          { label: 'Failed', value: count(failed), name: 'replay-failed' },
        ]}
      />
      {deadAgain.length > 0 && (
        <div>
          <p class="muted small">Dead letters again; nothing of them was counted:</p>
          <ul class="failure-list failure-columns">
            {deadAgain.map((id) => (
              <li key={id}>
                <a class="failure-place" href={pathTo('failures', 'letters', id)}>
                  {placeOf(id)}
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
      {problems.length > 0 && <ReplayProblems items={problems} of={refused + failed} />}
    </div>
  );
}

/** Without the group, which is that of the whole list. */
function placeOf(id: string): string {
  const [topic, partition, offset] = id.split('/').slice(-3);
  return `${topic} ${partition}:${offset}`;
}
