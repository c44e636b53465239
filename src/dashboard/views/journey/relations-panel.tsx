/** What caused the event, what it caused, and the rest of its correlation: a tree of links. */
import { useSignal } from '@preact/signals';
import type { RelationsAnswer } from '../../../api/journeys.ts';
import { plural } from '../../format.ts';
import { journeyLink } from '../../journey-link.ts';
import { Button } from '../../parts/controls.tsx';
import { Loaded } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';

type Related = RelationsAnswer['correlated'][number];

const MANY = 5_000_000;

/** @param props.auto looks as soon as it is shown; it reads the log, so not while the event is under way */
export function RelationsPanel({ id, auto }: { readonly id: string; readonly auto: boolean }) {
  const further = useSignal(false);
  const base = `/api/v1/journeys/${encodeURIComponent(id)}/relations`;
  const relations = useResource<RelationsAnswer>(auto ? `${base}${further.value ? `?max_records=${MANY}` : ''}` : null);
  return (
    <Panel title="Related events" note="by what they say caused them, and by correlation">
      {!auto ? (
        <p class="muted">Looked for once this event is settled.</p>
      ) : (
        <Loaded of={relations} what="related events">
          {(found) => (
            <div class="stack">
              <Causes id={id} relations={found} />
              <Correlated relations={found} />
              <Looked
                searched={found.searched}
                further={() => {
                  further.value = true;
                }}
              />
            </div>
          )}
        </Loaded>
      )}
    </Panel>
  );
}

/** From what began it all down to the last consequence. */
function Causes({
  id,
  relations: { caused_by, caused },
}: {
  readonly id: string;
  readonly relations: RelationsAnswer;
}) {
  if (caused_by.length === 0 && caused.length === 0)
    return <p class="muted">It names no cause, and no event that was looked at names it as theirs.</p>;
  const above = caused_by.toReversed();
  return (
    <ol class="causes" aria-label="Causes, from first to last">
      {above.map(({ event_id, record }, depth) => (
        <Cause key={event_id} depth={depth} id={event_id} record={record} />
      ))}
      <li class="own" style={indent(above.length)} aria-current="true">
        <strong>this event</strong>
      </li>
      {caused.map(({ depth, record }) => (
        <Cause
          key={`${record.topic} ${record.partition} ${record.offset}`}
          depth={above.length + depth}
          id={record.event_id ?? id}
          record={record}
        />
      ))}
    </ol>
  );
}

function Cause({
  depth,
  id,
  record,
}: {
  readonly depth: number;
  readonly id: string;
  readonly record: Related | null;
}) {
  return (
    <li style={indent(depth)}>
      {record === null ? (
        <>
          <a href={pathTo('journey', id)}>{id}</a>{' '}
          <span class="muted">was not found in the log that was looked at</span>
        </>
      ) : (
        <RelatedLink related={record} />
      )}
    </li>
  );
}

const MAX_INDENT = 8;

function indent(depth: number) {
  return { marginInlineStart: `${Math.min(depth, MAX_INDENT) * 1.25}rem` };
}

function RelatedLink({ related }: { readonly related: Related }) {
  const { event_id, event_type, topic, partition, offset, at } = related;
  const place = `${topic}:${partition}:${offset}`;
  const target = event_id ?? place;
  return (
    <span class="related">
      <span>{event_type ?? 'event'}</span>
      <a class="mono" href={journeyLink(event_id, place)} title={target}>
        {target}
      </a>
      <span class="muted">
        <Time at={at} />
      </span>
    </span>
  );
}

function Correlated({ relations: { correlation_id, correlated } }: { readonly relations: RelationsAnswer }) {
  if (correlation_id === null) return null;
  return (
    <details open={correlated.length > 0 && correlated.length <= 10}>
      <summary>
        {plural(correlated.length, 'other')} of correlation <code>{correlation_id}</code>
        {correlated.length >= 200 && ', the first 200'}
      </summary>
      <ul class="correlated">
        {correlated.map((related) => (
          <li key={`${related.topic} ${related.partition} ${related.offset}`}>
            <RelatedLink related={related} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Looked({
  searched,
  further,
}: {
  readonly searched: RelationsAnswer['searched'];
  readonly further: () => void;
}) {
  const { records, complete, from, to } = searched;
  return (
    <p class="row small muted">
      <span>
        Looked at {plural(records, 'record')}
        {from !== null && to !== null && (
          <>
            {' '}
            from <Time at={from} as="full" /> to <Time at={to} as="full" />
          </>
        )}
        {complete ? ', all from its time on.' : ': not all from its time on.'}
      </span>
      {!complete && (
        <Button small onClick={further}>
          Look further
        </Button>
      )}
    </p>
  );
}
