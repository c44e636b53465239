/** What the event says: its fields, its headers, and its bytes. */
import type { ComponentChildren } from 'preact';
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { bytes, plural } from '../../format.ts';
import { Note } from '../../parts/notes.tsx';
import { Pairs, Panel } from '../../parts/page.tsx';
import { Code, Id, Json } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';

export function EventContent({ journey }: { readonly journey: JourneyAnswer }) {
  const { event, unreadable, record } = journey;
  if (record === null) return null;
  const { topic, partition, offset, headers, value, encoding, value_bytes, cut, key } = record;
  return (
    <Panel
      title="Event"
      note={`${bytes(value_bytes)} of value`}
      actions={<a href={pathTo('topics', topic, String(partition), String(offset))}>The record</a>}
    >
      <div class="grid">
        <div class="stack">
          {unreadable !== null && (
            <Note kind="bad">
              Nobody can read it: {unreadable.reason} <code>{unreadable.code}</code>
            </Note>
          )}
          {event !== null && <Pairs items={pairsOf(event, key)} />}
          <details>
            <summary>{plural(headers.length, 'header')}</summary>
            <Pairs
              items={headers.map(({ name, value: text }) => [
                name,
                <span key={name} class="mono">
                  {text ?? 'null'}
                </span>,
              ])}
            />
          </details>
        </div>
        <div>
          {event === null ? (
            <Code
              label="value of the record"
              text={
                value === null ? 'null: the record has no value' : `${encoding === 'base64' ? 'base64: ' : ''}${value}`
              }
            />
          ) : (
            <Json label="data of the event" value={event.data} />
          )}
          {cut && (
            <p class="small muted">
              The beginning: <a href={pathTo('topics', topic, String(partition), String(offset))}>all of it</a>
            </p>
          )}
        </div>
      </div>
    </Panel>
  );
}

function pairsOf(event: NonNullable<JourneyAnswer['event']>, key: string | null) {
  const { event_type, user_id, content_id, timestamp, metadata } = event;
  const pairs: [string, ComponentChildren][] = [
    ['Type', event_type],
    ['User', <Id key="user" value={user_id} />],
  ];
  if (content_id !== null) pairs.push(['Content', <Id key="content" value={content_id} />]);
  pairs.push(['Event time', timestamp], ['Record key', key ?? 'none']);
  for (const [name, value] of Object.entries(metadata)) {
    const text = String(value);
    const href = name === 'causation_id' ? pathTo('journey', text) : undefined;
    pairs.push([name.replaceAll('_', ' '), <Id key={name} value={text} {...(href === undefined ? {} : { href })} />]);
  }
  return pairs;
}
