/** Publishing a test event: written as a form or as JSON, checked by the server while it is typed. */
import { useSignal } from '@preact/signals';
import type { EventTypesJson } from '../../../api/event-types.ts';
import { count } from '../../format.ts';
import { post } from '../../http.ts';
import { journeyLink } from '../../journey-link.ts';
import { Button, ChoiceField, SelectField } from '../../parts/controls.tsx';
import { Loaded, Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { Code, Id } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { toast } from '../../toast.ts';
import { useTask } from '../../use-task.ts';
import { useCheck } from './event-check.ts';
import { EventEditor } from './event-editor.tsx';
import { EventFields } from './event-fields.tsx';
import { CheckState, Verdict } from './event-verdict.tsx';

type EventType = EventTypesJson['event_types'][number];

export function PublishTab() {
  const types = useResource<EventTypesJson>('/api/v1/event-types');
  return (
    <Loaded of={types} what="event types">
      {({ event_types: all, max_event_bytes: maxBytes }) => {
        const type = all.find((one) => one.type === query('type')) ?? all[0]!;
        return <Publish key={type.type} type={type} all={all} maxBytes={maxBytes} />;
      }}
    </Loaded>
  );
}

/** Of an event in the address; longer ones are not kept there. */
const MAX_ADDRESS_CHARS = 1_500;
const MAX_PUBLISHED = 5;

interface Place {
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface PublishProps {
  readonly type: EventType;
  readonly all: readonly EventType[];
  readonly maxBytes: number;
}

function Publish({ type, all, maxBytes }: PublishProps) {
  const example = JSON.stringify(type.example, null, 2);
  const text = useSignal(query('event') === '' ? example : query('event'));
  const refusal = useSignal<string | null>(null);
  const check = useCheck(text.value, maxBytes);
  const { busy, problem, run } = useTask();
  const published = useSignal<readonly Place[]>([]);
  const isForm = query('as') !== 'json';

  const write = (next: string) => {
    text.value = next;
    refusal.value = null;
    problem.value = null;
    setQuery({ event: next === example || next.length > MAX_ADDRESS_CHARS ? null : next });
  };
  const publish = async () => {
    await run(async () => {
      const place = await post<Place>('/api/v1/events', text.peek());
      published.value = [place, ...published.value].slice(0, MAX_PUBLISHED);
      toast(`Published: ${place.topic}, partition ${place.partition}, offset ${count(place.offset)}`);
    });
  };
  return (
    <div class="publish">
      <Panel title="Event" note={`${type.category.replaceAll('_', ' ')} on ${type.topic}, keyed by ${type.key_field}`}>
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void publish();
          }}
        >
          <div class="row end">
            <SelectField
              label="Event type"
              value={type.type}
              options={all.map((one) => ({ value: one.type, text: one.type }))}
              onInput={(value) => setQuery({ type: value, event: null }, { replace: false })}
            />
            <ChoiceField
              label="Written as"
              value={isForm ? 'form' : 'json'}
              options={[
                { value: 'form', text: 'Form' },
                { value: 'json', text: 'JSON' },
              ]}
              onInput={(value) => setQuery({ as: value === 'form' ? null : value })}
            />
            <Button kind="quiet" onClick={() => write(example)}>
              Back to the example
            </Button>
          </div>
          {isForm ? (
            <EventFields type={type} text={text.value} check={check} onText={write} />
          ) : (
            <EventEditor
              text={text.value}
              maxBytes={maxBytes}
              onText={write}
              onRefused={(why) => {
                refusal.value = why;
              }}
            />
          )}
          {refusal.value !== null && <Note kind="bad">{refusal.value}</Note>}
          {problem.value !== null && <ProblemNote problem={problem.value} />}
          <div class="row">
            <Button type="submit" kind="primary" busy={busy.value} disabled={check.state !== 'valid'}>
              Publish
            </Button>
            <CheckState check={check} />
          </div>
        </form>
      </Panel>
      <div class="stack">
        <Verdict check={check} />
        {published.value.length > 0 && <Published places={published.value} />}
        <Panel title="Schema" note="JSON Schema of what is taken">
          <Code text={JSON.stringify(type.schema, null, 2)} label={`Schema of ${type.type}`} />
        </Panel>
      </div>
    </div>
  );
}

function Published({ places }: { readonly places: readonly Place[] }) {
  return (
    <Panel title="Published here">
      <ul class="published">
        {places.map(({ event_id: id, topic, partition, offset }) => (
          <li key={`${topic} ${partition} ${offset}`} data-published={id}>
            <Id value={id} />{' '}
            <a href={pathTo('topics', topic, String(partition), String(offset))}>
              {topic}, {partition}:{count(offset)}
            </a>{' '}
            <a href={journeyLink(id, `${topic}:${partition}:${offset}`)}>its journey</a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
