import { useSignal } from '@preact/signals';
import type { Demo } from '../../../api/pulse-sample.ts';
import { post } from '../../http.ts';
import { Button, CheckField, TextField } from '../../parts/controls.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTask } from '../../use-task.ts';
import { DEFAULT_DRAFT, type DemoDraft, fieldError, requestOf } from './demo-model.ts';

interface DemoFormProps {
  readonly isRunning: boolean;
  readonly onStarted: () => void;
  /** Where it can be closed. */
  readonly onCancel?: () => void;
}

/** What is to be played, and the button that begins it. */
export function DemoForm({ isRunning, onStarted, onCancel }: DemoFormProps) {
  const draft = useSignal<DemoDraft>(DEFAULT_DRAFT);
  const { busy, problem, run } = useTask();
  const set = (changes: Partial<DemoDraft>) => {
    draft.value = { ...draft.value, ...changes };
  };
  const request = requestOf(draft.value);
  const start = async () => {
    if (request === null) return;
    await run(async () => {
      await post<Demo>('/api/run-demo', request);
      onStarted();
    });
  };
  const { events, rate, poison, seed, real } = draft.value;
  return (
    <form
      class="demo-form"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <div class="demo-fields">
        <TextField
          label="Events"
          type="number"
          value={events}
          min={1}
          hint="how many"
          error={fieldError(draft.value, 'events')}
          onInput={(value) => set({ events: value })}
        />
        <TextField
          label="Rate, events a second"
          type="number"
          value={rate}
          min={0}
          hint="0: as fast as it goes"
          error={fieldError(draft.value, 'rate')}
          onInput={(value) => set({ rate: value })}
        />
        <TextField
          label="Poison, per cent"
          type="number"
          value={poison}
          min={0}
          max={50}
          step="any"
          hint="of the interactions: nobody can read them"
          error={fieldError(draft.value, 'poison')}
          onInput={(value) => set({ poison: value })}
        />
        <TextField
          label="Seed"
          type="number"
          value={seed}
          min={0}
          hint="the same seed plays the same; empty: a new one"
          error={fieldError(draft.value, 'seed')}
          onInput={(value) => set({ seed: value })}
        />
      </div>
      <CheckField
        label="Real activity: 2,000 events of a public project's history instead of made-up traffic"
        checked={real}
        onInput={(checked) => set({ real: checked })}
      />
      {problem.value !== null && <ProblemNote problem={problem.value} />}
      <div class={`row ${onCancel === undefined ? '' : 'demo-buttons'}`}>
        {isRunning && <span class="muted small">One is running: another can begin when that has ended.</span>}
        {onCancel !== undefined && <Button onClick={onCancel}>Cancel</Button>}
        <Button type="submit" kind="primary" busy={busy.value} disabled={isRunning || request === null}>
          Run demo
        </Button>
      </div>
    </form>
  );
}
