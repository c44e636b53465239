/** Before a replay: what it would do, how fast, and the word to do it. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ReplayJobJson, ReplayPlanJson } from '../../../api/dead-letter-replays.ts';
import { count, duration, plural } from '../../format.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { Button, TextField } from '../../parts/controls.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import type { RepairBody } from './letter-draft.ts';
import { ReplayProblems } from './replay-problems.tsx';

/** As `POST /api/v1/dlq/replays` takes it. */
export type Selection =
  | { readonly ids: readonly string[]; readonly repaired?: RepairBody }
  | { readonly fingerprint: string }
  | { readonly filter: Readonly<Record<string, string>> };

interface ReplayDialogProps {
  /** `the open ones of this kind` */
  readonly what: string;
  readonly selection: Selection;
  /** Of a single one the rate does not matter. */
  readonly single?: boolean;
  readonly onStarted: (job: ReplayJobJson) => void;
  readonly onClose: () => void;
}

const DEFAULT_RATE = 50;
const TYPED_MS = 300;

export function ReplayDialog({ what, selection, single = false, onStarted, onClose }: ReplayDialogProps) {
  const rate = useSignal(String(DEFAULT_RATE));
  const plan = useSignal<ReplayPlanJson | null>(null);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const ratePerSecond = Number(rate.value);
  const rateError = ratePerSecond > 0 && ratePerSecond <= 10_000 ? null : 'A number above 0, at most 10,000.';

  useEffect(() => {
    if (rateError !== null) return;
    const stop = new AbortController();
    const ask = async () => {
      try {
        const body = { ...selection, rate_per_second: ratePerSecond };
        plan.value = await post<ReplayPlanJson>('/api/v1/dlq/replays', body, { signal: stop.signal });
        problem.value = null;
      } catch (error) {
        if (!stop.signal.aborted) problem.value = asProblem(error);
      }
    };
    const timer = setTimeout(() => void ask(), plan.peek() === null ? 0 : TYPED_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [ratePerSecond, rateError]);

  const start = async () => {
    busy.value = true;
    problem.value = null;
    try {
      const body = { ...selection, rate_per_second: ratePerSecond, execute: true };
      const job = await post<ReplayJobJson>('/api/v1/dlq/replays', body);
      onClose();
      onStarted(job);
    } catch (error) {
      problem.value = asProblem(error);
      busy.value = false;
    }
  };

  return (
    <Dialog title="Replay" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <p>
          Sends {what} to {single ? 'its topic' : 'their topics'} again, under the same event {single ? 'id' : 'ids'}:
          what was counted before is not counted twice. A dead letter may be replayed three times.
        </p>
        {!single && (
          <TextField
            label="At most so many a second"
            type="number"
            min={0.1}
            max={10_000}
            step="any"
            value={rate.value}
            error={rateError}
            hint="So that handlers are not flooded by what they have failed on."
            onInput={(value) => {
              rate.value = value;
            }}
          />
        )}
        {plan.value === null && problem.value === null && <Loading what="what it would do" />}
        {plan.value !== null && <Planned plan={plan.value} single={single} />}
        {problem.value !== null && (
          <>
            <ProblemNote problem={problem.value} />
            {problem.value.code === 'REPLAY_IN_PROGRESS' && (
              <p>
                <a href="/failures/replays">See it, or cancel it</a>
              </p>
            )}
          </>
        )}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind="primary"
            busy={busy.value}
            disabled={rateError !== null || (plan.value?.planned ?? 0) === 0}
          >
            Replay {plan.value === null || single ? '' : count(plan.value.planned)}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function Planned({ plan, single }: { readonly plan: ReplayPlanJson; readonly single: boolean }) {
  const { planned, refused, duration_ms, refusals } = plan;
  return (
    <div class="stack" role="status">
      {planned > 0 && (
        <Note kind="ok">
          {plural(planned, 'event')} would be sent{single ? '' : `, in about ${duration(duration_ms)}`}. Nothing is sent
          yet.
        </Note>
      )}
      {planned + refused === 0 && <Note kind="warn">There is nothing to replay.</Note>}
      {refused > 0 && (
        <>
          <Note kind="warn">{plural(refused, 'dead letter')} may not be replayed.</Note>
          <ReplayProblems items={refusals} of={refused} />
        </>
      )}
    </div>
  );
}
