/** Where a group goes on: choose, see what would change, confirm, and take it back. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Group, Reset, ResetBody } from '../../../api/group-schemas.ts';
import { plural } from '../../format.ts';
import { post } from '../../http.ts';
import { Button } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { pathTo, query } from '../../router.ts';
import { toast } from '../../toast.ts';
import { useTask } from '../../use-task.ts';
import { ResetFields } from './reset-fields.tsx';
import {
  executionOf,
  type FieldErrors,
  parseForm,
  type ResetForm,
  summaryText,
  TARGETS,
  undoOf,
} from './reset-model.ts';
import { ResetExport, ResetTable } from './reset-table.tsx';

interface ResetPanelProps {
  readonly group: Group;
  /** Offsets are others now. */
  readonly onChanged: () => void;
}

export function ResetPanel(props: ResetPanelProps) {
  const { owner, group } = props.group;
  if (owner === null) return <Wizard {...props} />;
  return (
    <Panel title="Reset offsets">
      <Note kind="warn">
        <div class="reset-note">
          <p>
            <b>{group} cannot be reset here.</b> Where it goes on is stored together with what it has done, so that no
            event counts twice; offsets in the log are a hint for tools, and setting them would change nothing.
          </p>
          {owner === 'delivery' ? (
            <p>Notices that have been delivered are not delivered again.</p>
          ) : (
            <p>
              To read its events again, rebuild the projection: <a href={pathTo('state', owner)}>rebuild {owner}</a>.
            </p>
          )}
        </div>
      </Note>
    </Panel>
  );
}

function formOfAddress(): ResetForm {
  const to = TARGETS.find(({ value }) => value === query('to'))?.value ?? 'earliest';
  const [time, offset, by, topic, partitions] = ['time', 'offset', 'by', 'topic', 'partitions'].map(query);
  return { to, time: time!, offset: offset!, by: by!, topic: topic!, partitions: partitions! };
}

function Wizard({ group, onChanged }: ResetPanelProps) {
  const errors = useSignal<FieldErrors>({});
  const plan = useSignal<Reset | null>(null);
  const done = useSignal<Reset | null>(null);
  const { busy, problem, run: tryRun } = useTask();
  const asked = useSignal(false);
  const path = `/api/v1/groups${pathTo(group.group)}/offsets`;

  const preview = () => {
    const { body, errors: wrong = {} } = parseForm(formOfAddress());
    errors.value = wrong;
    plan.value = null;
    done.value = null;
    if (body === undefined) return;
    void tryRun(async () => {
      plan.value = await post<Reset>(path, body);
    });
  };
  const execute = async (body: ResetBody, text: string) => {
    const result = await post<Reset>(path, body);
    plan.value = null;
    done.value = result;
    toast(text);
    onChanged();
  };
  // an address that names a target shows what it would do; a group that has become free, or busy, is told so at once
  useEffect(() => {
    if (done.peek() === null && (plan.peek() !== null || query('to') !== '')) preview();
  }, [group.state]);

  return (
    <>
      <Panel
        title="Where to go on"
        note={`nothing changes before you confirm; now ${group.state ?? 'in a state that is not known'}`}
      >
        <form
          class="reset-form"
          onSubmit={(event) => {
            event.preventDefault();
            preview();
          }}
        >
          <ResetFields group={group} form={formOfAddress()} errors={errors.value} />
          <Button type="submit" busy={busy.value}>
            Show what would change
          </Button>
        </form>
      </Panel>
      {problem.value !== null && <ProblemNote problem={problem.value} />}
      {plan.value !== null && (
        <Plan
          plan={plan.value}
          onConfirm={() => {
            asked.value = true;
          }}
        />
      )}
      {done.value !== null && (
        <Done
          result={done.value}
          onUndo={(body) => void tryRun(() => execute(body, `${group.group} is back where it was`))}
        />
      )}
      {asked.value && plan.value !== null && (
        <Confirm
          title={`Reset ${group.group}?`}
          action="Reset offsets"
          danger
          onConfirm={() => execute(executionOf(plan.value!), `The offsets of ${group.group} are set`)}
          onClose={() => {
            asked.value = false;
          }}
        >
          <p>{summaryText(plan.value)}</p>
          <p class="muted">The offsets are set as they were shown. They can be set back afterwards.</p>
        </Confirm>
      )}
    </>
  );
}

function Plan({ plan, onConfirm }: { readonly plan: Reset; readonly onConfirm: () => void }) {
  const { blocked, resets, group } = plan;
  return (
    <Panel
      title="What would change"
      note={plural(resets.length, 'partition')}
      actions={
        <>
          <ResetExport of={plan} />
          <Button kind="primary" small disabled={blocked !== null || resets.length === 0} onClick={onConfirm}>
            Reset…
          </Button>
        </>
      }
      flush
    >
      <div class="panel-text reset-note">
        <p role="status" data-figure="reset-summary">
          {resets.length === 0 ? `${group} has no offsets: choose a topic.` : summaryText(plan)}
        </p>
        {blocked !== null && (
          <Note kind="warn">
            <b>It cannot be done now.</b> {blocked.detail} <code class="muted">{blocked.code}</code>
          </Note>
        )}
        <Warnings of={plan} />
      </div>
      <ResetTable of={plan} />
    </Panel>
  );
}

function Done({ result, onUndo }: { readonly result: Reset; readonly onUndo: (body: ResetBody) => void }) {
  const undo = undoOf(result);
  const kept = result.resets.filter(({ from }) => from === null).length;
  return (
    <Panel title="Done" note={plural(result.resets.length, 'partition')} actions={<ResetExport of={result} />} flush>
      <div class="panel-text reset-note">
        <Note kind="ok">
          <div class="row">
            <span role="status">
              {summaryText(result)} A member that joins now goes on there.
              {kept > 0 && ` ${plural(kept, 'partition')} had no offset before and would keep the new one.`}
            </span>
            {undo !== null && (
              <Button small onClick={() => onUndo(undo)}>
                Undo
              </Button>
            )}
          </div>
        </Note>
        <Warnings of={result} />
      </div>
      <ResetTable of={result} />
    </Panel>
  );
}

function Warnings({ of: { warnings } }: { readonly of: Reset }) {
  if (warnings.length === 0) return null;
  return (
    <Note kind="warn">
      <ul class="small">
        {warnings.slice(0, 10).map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
        {warnings.length > 10 && <li>and {warnings.length - 10} more</li>}
      </ul>
    </Note>
  );
}
