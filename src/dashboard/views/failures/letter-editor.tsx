/** A copy of a dead letter to repair: checked by the server as it is typed, with what differs, and the way back. */
import { useComputed, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { LetterCheckJson } from '../../../api/dead-letter-check.ts';
import type { ShownDeadLetterJson } from '../../../api/dead-letters.ts';
import { count, plural } from '../../format.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { Button, TextField } from '../../parts/controls.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { ScrollRegion } from '../../parts/scroll-region.tsx';
import { State } from '../../parts/state.tsx';
import { diff, withContext } from './diff.ts';
import { comparable, laidOut } from './json-layout.ts';
import {
  canEditHeaders,
  changedParts,
  type Draft,
  draftOf,
  headersText,
  isChanged,
  type RepairBody,
  repairOf,
} from './letter-draft.ts';
import { ReplayDialog } from './replay-dialog.tsx';

const TYPED_MS = 250;
const MAX_REPLAYS = 3;
/** Characters, before and after: what a page can show at once. */
const MAX_COMPARED = 200_000;

interface EditorProps {
  readonly letter: ShownDeadLetterJson;
  /** With the id of the replay that has begun. */
  readonly onReplay: (id: string) => void;
  /** Shown below the button: that replay. */
  readonly children?: ComponentChildren;
}

export function LetterEditor({ letter, onReplay, children }: EditorProps) {
  const { id, original } = letter;
  const draft = useSignal<Draft>(draftOf(original));
  const repair = useComputed(() => repairOf(original, draft.value)).value;
  const changed = isChanged(repair);
  const replaying = useSignal(false);
  const { check, problem } = useCheck(id, repair);
  const exhausted = letter.replay_count >= MAX_REPLAYS;
  const set = (part: Partial<Draft>) => {
    draft.value = { ...draft.value, ...part };
  };
  return (
    <div class="stack">
      <Panel
        title="A copy to repair"
        note={changed ? `${changedParts(repair)} changed` : 'as the original is'}
        actions={
          <>
            <Button small kind="quiet" onClick={() => set({ value: laidOut(draft.value.value) ?? draft.value.value })}>
              Lay out JSON
            </Button>
            <Button
              small
              kind="quiet"
              disabled={!changed}
              onClick={() => {
                draft.value = draftOf(original);
              }}
            >
              Undo changes
            </Button>
          </>
        }
      >
        <div class="stack">
          {original.encoding === 'base64' && (
            <p class="muted small">
              The original is no text, so the copy begins empty: write what it should have been.
            </p>
          )}
          <TextField
            label="Value"
            rows={12}
            value={draft.value.value}
            spellcheck={false}
            onInput={(value) => set({ value })}
          />
          <TextField
            label="Key"
            value={draft.value.key}
            spellcheck={false}
            hint={
              original.key_encoding === 'base64'
                ? 'The original key is no text; what is written here takes its place.'
                : 'Decides the partition, and with it the order.'
            }
            onInput={(key) => set({ key })}
          />
          <HeaderField original={original} draft={draft.value} set={set} />
          <Verdict check={check} problem={problem} />
          {exhausted && (
            <Note kind="warn">It was replayed {MAX_REPLAYS} times, which is all: publish a new event instead.</Note>
          )}
          <div class="row">
            <Button
              kind="primary"
              disabled={exhausted || (changed && check?.valid !== true)}
              onClick={() => {
                replaying.value = true;
              }}
            >
              {changed ? 'Replay the copy …' : 'Replay as it is …'}
            </Button>
            {!changed && check?.valid === false && (
              <span class="muted small">As it is, it would become a dead letter again.</span>
            )}
            {changed && check?.valid === false && (
              <span class="muted small">What would be given up again is not sent: correct it first.</span>
            )}
          </div>
        </div>
      </Panel>
      {children}
      {changed && <Difference original={original} draft={draft.value} />}
      {replaying.value && (
        <ReplayDialog
          what={changed ? `the copy (${changedParts(repair)} changed)` : 'this dead letter as it is'}
          selection={{ ids: [id], ...(changed ? { repaired: repair } : {}) }}
          single
          onStarted={(job) => onReplay(job.id)}
          onClose={() => {
            replaying.value = false;
          }}
        />
      )}
    </div>
  );
}

/** What the server says of the copy, a moment after the last key. Null while it is not known. */
function useCheck(id: string, repair: RepairBody) {
  const found = useSignal<{ readonly of: string; readonly check: LetterCheckJson } | null>(null);
  const problem = useSignal<Problem | null>(null);
  const body = JSON.stringify({ id, ...repair });
  useEffect(() => {
    const stop = new AbortController();
    const ask = async () => {
      try {
        const check = await post<LetterCheckJson>('/api/v1/dlq/validate', JSON.parse(body), { signal: stop.signal });
        found.value = { of: body, check };
        problem.value = null;
      } catch (error) {
        if (!stop.signal.aborted) problem.value = asProblem(error);
      }
    };
    const timer = setTimeout(() => void ask(), found.peek() === null ? 0 : TYPED_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [body]);
  return { check: found.value?.of === body ? found.value.check : null, problem: problem.value };
}

interface HeaderFieldProps {
  readonly original: ShownDeadLetterJson['original'];
  readonly draft: Draft;
  readonly set: (part: Partial<Draft>) => void;
}

function HeaderField({ original, draft, set }: HeaderFieldProps) {
  if (!canEditHeaders(original))
    return <p class="muted small">The headers are no plain text, so they go along as they are.</p>;
  if (draft.headers === null)
    return (
      <div>
        <Button small kind="quiet" onClick={() => set({ headers: headersText(original) })}>
          Edit {plural(original.headers.length, 'header')} too
        </Button>
      </div>
    );
  return (
    <TextField
      label="Headers"
      rows={Math.min(12, Math.max(3, original.headers.length + 1))}
      value={draft.headers}
      spellcheck={false}
      hint="One a line, as name: value. The header of a test goes along too."
      onInput={(headers) => set({ headers })}
    />
  );
}

const PLACES = { value: 'in the value', header: 'header', key: 'key', topic: 'topic' } as const;

function Verdict({ check, problem }: { readonly check: LetterCheckJson | null; readonly problem: Problem | null }) {
  if (problem !== null) return <ProblemNote problem={problem} />;
  return (
    <div role="status" aria-live="polite" class="failure-verdict" data-valid={check?.valid ?? 'unknown'}>
      {check === null ? <State kind="busy">Checking …</State> : <Checked check={check} />}
    </div>
  );
}

function Checked({ check }: { readonly check: LetterCheckJson }) {
  const { valid, code, errors, refusals, handlers, event, partition } = check;
  if (valid)
    return (
      <>
        <State kind="ok">Valid</State>
        <p class="muted small">
          {event!.event_type} of {event!.user_id}, event id {event!.event_id}. It would go to partition {partition};{' '}
          {handlers.join(', ')} would take it.
        </p>
      </>
    );
  return (
    <>
      <State kind="bad">{code === null ? 'Handlers would refuse it' : `Not valid: ${code}`}</State>
      <ul class="failure-list">
        {errors.map(({ where, path, message }) => (
          <li key={`${where}${path}${message}`}>
            {path !== '' && (
              <>
                <code>{path}</code> {where === 'header' ? '(header) ' : ''}
              </>
            )}
            {path === '' && where !== 'value' && <span class="muted">{PLACES[where]}: </span>}
            {message}
          </li>
        ))}
        {refusals.map(({ handler, reason, code: refusal }) => (
          <li key={handler}>
            {handler}: {reason} <code>{refusal}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Difference({
  original,
  draft,
}: {
  readonly original: ShownDeadLetterJson['original'];
  readonly draft: Draft;
}) {
  const before = draftOf(original);
  const parts = [
    { name: 'Value', ...comparable(before.value, draft.value) },
    { name: 'Key', from: before.key, to: draft.key },
    { name: 'Headers', from: headersText(original), to: draft.headers ?? headersText(original) },
  ].filter(({ from, to }) => from !== to);
  const size = parts.reduce((sum, { from, to }) => sum + from.length + to.length, 0);
  if (size > MAX_COMPARED)
    return (
      <Panel title="What is different">
        <p class="muted">
          These are {count(size)} characters, too many to compare here. The check above is of all of them.
        </p>
      </Panel>
    );
  return (
    <Panel title="What is different" note="crossed out: only in the original; underlined: only in the copy">
      <div class="stack">
        {parts.map(({ name, from, to }) => (
          <div key={name}>
            {parts.length > 1 && <h3>{name}</h3>}
            <ScrollRegion class="code-scroll" label={`What is different in the ${name.toLowerCase()}`}>
              <pre class="code">
                {withContext(diff(from, to)).map(({ kind, text }, index) => {
                  const key = `${index}`;
                  if (kind === 'removed') return <del key={key}>{text}</del>;
                  return kind === 'added' ? <ins key={key}>{text}</ins> : <span key={key}>{text}</span>;
                })}
              </pre>
            </ScrollRegion>
          </div>
        ))}
      </div>
    </Panel>
  );
}
