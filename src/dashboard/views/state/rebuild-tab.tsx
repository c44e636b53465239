/** Folding a projection again: which way, how far it is, what differs, and whether to swap. */
import { useSignal } from '@preact/signals';
import type { RebuildJson } from '../../../api/projections.ts';
import { post } from '../../http.ts';
import { Button, CheckField, ChoiceField, TextField } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { useTask } from '../../use-task.ts';
import { bodyOf, WAYS, type Way } from './rebuild-model.ts';
import { RebuildReport } from './rebuild-report.tsx';
import { momentOf, momentText } from './time-model.ts';

interface RebuildTabProps {
  readonly name: string;
  readonly report: RebuildJson | null;
  readonly reload: () => void;
}

export function RebuildTab({ name, report, reload }: RebuildTabProps) {
  return (
    <div class="stack">
      {report?.state !== 'RUNNING' && <RebuildForm name={name} reload={reload} />}
      {report === null ? (
        <Panel title="Last rebuild">
          <Empty title={`${name} has not been rebuilt since this server began`}>
            <p>
              After a change of its function a projection is folded from the log again. “Compare first” changes nothing
              by itself.
            </p>
          </Empty>
        </Panel>
      ) : (
        <RebuildReport name={name} report={report} reload={reload} />
      )}
    </div>
  );
}

function RebuildForm({ name, reload }: Omit<RebuildTabProps, 'report'>) {
  const way = useSignal<Way>('compare');
  const keep = useSignal(false);
  const incomplete = useSignal(false);
  const from = useSignal('');
  const asked = useSignal(false);
  const { busy, problem, run } = useTask();
  const time = from.value === '' ? null : momentOf(from.value);
  const wrong = from.value !== '' && time === null;
  const start = async () => {
    const choice = {
      way: way.value,
      keep: keep.value,
      incomplete: incomplete.value,
      from: time === null ? '' : momentText(time),
    };
    await post<RebuildJson>(`/api/v1/projections/${encodeURIComponent(name)}/rebuild`, bodyOf(choice));
    reload();
  };
  const begin = async () => {
    // what changes nothing by itself is not asked about
    if (way.value !== 'compare') {
      asked.value = true;
      return;
    }
    await run(async () => {
      await start();
    });
  };
  const about = WAYS.find(({ value }) => value === way.value)!.about;
  return (
    <Panel title="Fold it from the log again">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <ChoiceField
          label="How"
          value={way.value}
          options={WAYS}
          onInput={(value) => {
            way.value = value;
          }}
        />
        <p class="state-about">{about}</p>
        <div class="state-options">
          {way.value !== 'in place' && (
            <CheckField
              label="Keep the version that was live, until the next rebuild that keeps one"
              checked={keep.value}
              onInput={(checked) => {
                keep.value = checked;
              }}
            />
          )}
          <CheckField
            label="Go ahead although the log no longer has its beginning: what came before is lost"
            checked={incomplete.value}
            onInput={(checked) => {
              incomplete.value = checked;
            }}
          />
          <div class="state-exact">
            <TextField
              label="Keep what was so until"
              hint="As the newest snapshot before it has it; only what came later is folded anew. Empty: from the beginning."
              placeholder="the beginning of the log"
              value={from.value}
              spellcheck={false}
              error={wrong ? 'as 2026-05-27 14:03:07.120' : null}
              onInput={(value) => {
                from.value = value;
              }}
            />
          </div>
        </div>
        {problem.value !== null && <ProblemNote problem={problem.value} />}
        <div class="row">
          <Button
            type="submit"
            kind={way.value === 'in place' ? 'danger' : 'primary'}
            busy={busy.value}
            disabled={wrong}
          >
            {way.value === 'compare' ? 'Rebuild and compare' : 'Rebuild …'}
          </Button>
        </div>
      </form>
      {asked.value && (
        <Confirm
          title={`Rebuild ${name}?`}
          action={way.value === 'in place' ? 'Empty and rebuild' : 'Rebuild and swap'}
          danger={way.value === 'in place'}
          {...(way.value === 'in place' ? { word: name } : {})}
          onConfirm={start}
          onClose={() => {
            asked.value = false;
          }}
        >
          <p>{about}</p>
        </Confirm>
      )}
    </Panel>
  );
}
