import { useSignal } from '@preact/signals';
import type { DrillCatalog, DrillEntry, DrillRun } from '../../../api/drills.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { Button, SelectField, TextField } from '../../parts/controls.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { go, pathTo } from '../../router.ts';
import { checked, type DrillForm, formOf } from './run-model.ts';

interface DrillStartProps {
  readonly drill: DrillEntry;
  readonly catalog: Pick<DrillCatalog, 'promises' | 'sabotages'>;
  readonly onClose: () => void;
}

export function DrillStart({ drill, catalog, onClose }: DrillStartProps) {
  const form = useSignal<DrillForm>(formOf(drill));
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const { errors, options } = checked(form.value);
  const set = (name: keyof DrillForm) => (value: string) => {
    form.value = { ...form.peek(), [name]: value };
  };
  const start = async () => {
    busy.value = true;
    problem.value = null;
    try {
      const run = await post<DrillRun>(`/api/v1/drills/${encodeURIComponent(drill.name)}/runs`, options);
      go(pathTo('cluster', 'drills', 'runs', run.id), { replace: true });
    } catch (error) {
      problem.value = asProblem(error);
      busy.value = false;
    }
  };
  return (
    <Dialog title={`Run ${drill.name}`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (options !== null) void start();
        }}
      >
        <p>It proves: {drill.proves}.</p>
        <ul class="small muted">
          {drill.promises.map((name) => (
            <li key={name}>
              {name}: {catalog.promises[name]}
            </li>
          ))}
        </ul>
        {drill.missing !== null && <Note kind="warn">It cannot run here: it needs {drill.missing.remedy}.</Note>}
        <div class="cluster-fields">
          <TextField
            label="Load, events per second"
            type="number"
            min={1}
            max={100_000}
            value={form.value.rate}
            error={errors.rate ?? null}
            onInput={set('rate')}
          />
          <TextField
            label="Length of its phases, as a factor"
            type="number"
            min={0.05}
            max={5}
            step="any"
            value={form.value.scale}
            error={errors.scale ?? null}
            onInput={set('scale')}
          />
          <TextField
            label="Seed of its traffic and choices"
            type="number"
            min={0}
            value={form.value.seed}
            error={errors.seed ?? null}
            onInput={set('seed')}
          />
          <SelectField
            label="Take a safeguard away, to see it fail"
            value={form.value.sabotage}
            options={[{ value: '', text: 'none' }, ...catalog.sabotages.map((name) => ({ value: name, text: name }))]}
            onInput={set('sabotage')}
          />
        </div>
        <p class="small muted">
          Its brokers and processes share this machine with whatever else runs here: a busy machine makes it fail
          sooner. It can be cancelled at any time, and nothing of it is left but the report.
        </p>
        {problem.value !== null && <ProblemNote problem={problem.value} />}
        <footer>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" busy={busy.value} disabled={options === null || drill.missing !== null}>
            Run {drill.name}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
