/** A failure to look at, made on purpose: a real record on the real topic. */
import { useSignal } from '@preact/signals';
import type { TestFailureJson } from '../../../api/dead-letter-check.ts';
import { plural } from '../../format.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { Button } from '../../parts/controls.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { go, pathTo } from '../../router.ts';
import { toast } from '../../toast.ts';

type Kind = TestFailureJson['kind'];

const KINDS: readonly { readonly kind: Kind; readonly name: string; readonly what: string }[] = [
  { kind: 'truncated_json', name: 'JSON that ends too early', what: 'Cannot be read: a dead letter at once.' },
  { kind: 'wrong_types', name: 'A field of the wrong type', what: 'A number as user id, and a field nobody knows.' },
  { kind: 'missing_key', name: 'No key', what: 'A good event whose order nobody knows.' },
  { kind: 'null_value', name: 'No value', what: 'A record with nothing in it.' },
  {
    kind: 'fails_for_a_while',
    name: 'The handler fails three times',
    what: 'Parked 8 s between attempts, with three events of its key behind it; then all four are counted.',
  },
  {
    kind: 'fails_always',
    name: 'The handler fails at every attempt',
    what: 'Parked 8 s between attempts, then given up: a dead letter that a replay brings back.',
  },
];

export function MakeFailure({ onClose }: { readonly onClose: () => void }) {
  const kind = useSignal<Kind>('truncated_json');
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const send = async () => {
    busy.value = true;
    problem.value = null;
    try {
      const made = await post<TestFailureJson>('/api/v1/dlq/test-poison', { kind: kind.value });
      onClose();
      toast(
        made.behind === 0
          ? 'Test record sent.'
          : `Test event sent, with ${plural(made.behind, 'healthy event')} behind it.`,
      );
      go(
        made.event_id === null
          ? `${pathTo('failures', 'letters', made.letter_id)}?made=${made.kind}`
          : `/failures/parked?made=${encodeURIComponent(made.letter_id)}`,
      );
    } catch (error) {
      problem.value = asProblem(error);
      busy.value = false;
    }
  };
  return (
    <Dialog title="Make a failure to look at" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <p class="muted">
          A test: one real record goes to content-interactions, about a content of its own that nothing else uses. It
          carries the header <code>streamsocial-test</code>, so that everybody can see what it is.
        </p>
        <fieldset class="failure-kinds">
          <legend class="visually-hidden">Kind of failure</legend>
          {KINDS.map(({ kind: value, name, what }) => (
            <label key={value}>
              <input
                type="radio"
                name="kind"
                checked={value === kind.value}
                onInput={() => {
                  kind.value = value;
                }}
              />
              <span>
                {name}
                <small>{what}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {problem.value !== null && <ProblemNote problem={problem.value} />}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            Send test record
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
