/** One record, whole: what it says as an event, its headers, its bytes. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { BrowsedRecordJson } from '../../../api/browsed-record.ts';
import { download } from '../../download.ts';
import { bytes, count, plural } from '../../format.ts';
import { journeyLink } from '../../journey-link.ts';
import { Button } from '../../parts/controls.tsx';
import { Loaded, Note } from '../../parts/notes.tsx';
import { Pairs, Panel } from '../../parts/page.tsx';
import { Code, Id, Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery, withQuery } from '../../router.ts';
import { bytesOf, hexDump, looksLikeJson, prettyJson } from '../../value-text.ts';
import { parseRecordId } from './record-row.ts';

/** Beside a list, with the way to its own page. */
export function RecordDetail({ topic, id }: { readonly topic: string; readonly id: string }) {
  const at = parseRecordId(id);
  return (
    <Panel
      title={at === null ? 'Record' : `Record ${at.partition}:${count(at.offset)}`}
      actions={
        <>
          {at !== null && <a href={pathTo('topics', topic, String(at.partition), String(at.offset))}>Its own page</a>}
          <a href={withQuery({ record: null })}>Close</a>
        </>
      }
    >
      {at === null ? (
        <Note kind="warn">A record is named by its partition and offset, as 3:1207.</Note>
      ) : (
        <RecordContent topic={topic} partition={at.partition} offset={at.offset} />
      )}
    </Panel>
  );
}

interface ContentProps {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function RecordContent({ topic, partition, offset }: ContentProps) {
  const record = useResource<BrowsedRecordJson>(
    `/api/v1/topics/${encodeURIComponent(topic)}/partitions/${partition}/records/${offset}`,
  );
  return (
    <Loaded of={record} what="the record">
      {(whole) => (
        <div class="stack">
          <Readable record={whole} />
          <Facts record={whole} />
          <Value record={whole} />
          <Headers record={whole} />
          <Raw record={whole} />
        </div>
      )}
    </Loaded>
  );
}

interface Props {
  readonly record: BrowsedRecordJson;
}

function Readable({ record: { readable, unreadable_because: why, topic } }: Props) {
  if (readable === false && why !== null)
    return (
      <Note kind="bad">
        Consumers cannot read it: {why.reason} <code>{why.code}</code>
        {!topic.endsWith('.dlq') && (
          <>
            . It goes to the dead letters: see <a href="/failures">Failures</a>
          </>
        )}
      </Note>
    );
  return null;
}

function Facts({ record }: Props) {
  const { event, key, timestamp, topic, partition, offset } = record;
  const { id, type, time, userid, contentid, source, ...others } = event?.attributes ?? {};
  const none = <span class="muted">none</span>;
  const journey = journeyLink(id ?? null, `${topic}:${partition}:${offset}`);
  const items: (readonly [string, ComponentChildren])[] = [
    ['Stored at', `${topic}, partition ${partition}, offset ${count(offset)}`],
    ['Published', <Time key="published" at={timestamp} as="full" />],
    ['Key', key === null ? none : <Key key="key" record={record} />],
    [
      'Followed',
      <a key="journey" href={journey}>
        its journey
      </a>,
    ],
  ];
  if (event === null) {
    items.push(['Event', 'none: it has neither the attributes of a CloudEvent nor an event_type']);
    return <Pairs items={items} />;
  }
  items.push(
    ['Event type', type ?? none],
    ['Event id', id === undefined ? none : <Id key="id" value={id} href={journey} />],
  );
  if (time !== undefined) items.push(['Happened', <Time key="time" at={time} as="full" />]);
  if (userid !== undefined)
    items.push(['User', <Id key="user" value={userid} href={pathTo('state', 'feed', `timeline/${userid}`)} />]);
  if (contentid !== undefined)
    items.push(['Content', <Id key="content" value={contentid} href={pathTo('state', 'engagement', contentid)} />]);
  if (source !== undefined) items.push(['Source', source]);
  // of the binary form they are among the headers
  if (event.mode !== 'binary') items.push(...Object.entries(others));
  items.push(['Form', FORMS[event.mode]]);
  return <Pairs items={items} />;
}

function Key({ record: { topic, key, key_bytes: size, key_encoding: encoding } }: Props) {
  const text = key ?? '';
  return (
    <>
      {encoding === 'base64' ? (
        <Id value={text} />
      ) : (
        <Id value={text} href={`${pathTo('topics', topic)}?key=${encodeURIComponent(text)}`} />
      )}{' '}
      <span class="muted">
        {bytes(size)}
        {encoding === 'base64' && ', as base64'}
      </span>
    </>
  );
}

const FORMS = {
  binary: 'CloudEvent, binary: its attributes are headers',
  structured: 'CloudEvent, structured: all of it is in the value',
  plain: 'plain JSON, without CloudEvents',
} as const;

const FIRST_CHARS = 16_000;
const MAX_CHARS = 100_000;

function Value({ record }: Props) {
  const { value, encoding, value_bytes: size, cut } = record;
  const all = useSignal(false);
  const limit = all.value ? MAX_CHARS : FIRST_CHARS;
  const shown = useMemo(() => {
    if (value === null || encoding === 'base64') return null;
    return looksLikeJson(value) && record.unreadable_because?.code !== 'NOT_JSON'
      ? prettyJson(value, limit)
      : { text: value.slice(0, limit), cut: value.length > limit };
  }, [value, encoding, limit, record]);
  return (
    <div>
      <div class="row record-part">
        <h3>Value</h3>
        <span class="muted small">{value === null ? 'null' : bytes(size)}</span>
        {value !== null && (
          <Button small kind="quiet" label="Save the value as a file" onClick={() => saveValue(record)}>
            Save
          </Button>
        )}
      </div>
      {cut && <Note kind="warn">It is larger than 2 MiB, or has very many headers: this is the first part of it.</Note>}
      {value === null && <p class="muted">A null: in a compacted topic it removes what was stored under its key.</p>}
      {encoding === 'base64' && <p class="muted">These bytes are no text; they are below, as hexadecimal.</p>}
      {shown !== null && <Code text={shown.text} label="Value" />}
      {shown?.cut && (
        <div class="row small muted">
          {all.value ? (
            <span>The first {plural(MAX_CHARS, 'character')}. Save it to see all.</span>
          ) : (
            <>
              <span>The first {plural(FIRST_CHARS, 'character')}.</span>
              <Button
                small
                onClick={() => {
                  all.value = true;
                }}
              >
                Show more
              </Button>
            </>
          )}
        </div>
      )}
    </div>
  );
}

function saveValue({ topic, partition, offset, value, encoding }: BrowsedRecordJson): void {
  const ending = encoding === 'base64' ? 'base64.txt' : 'json';
  download(`${topic}-${partition}-${offset}.${ending}`, 'application/octet-stream', value ?? '');
}

function Headers({ record: { headers } }: Props) {
  return (
    <div>
      <div class="row record-part">
        <h3>Headers</h3>
        <span class="muted small">{headers.length === 0 ? 'none' : headers.length}</span>
      </div>
      {headers.length > 0 && (
        <Pairs
          items={headers.map(({ name, value, encoding }) => [
            name,
            <span key={name} class="mono">
              {value ?? 'null'}
              {encoding === 'base64' && <span class="muted"> (base64)</span>}
            </span>,
          ])}
        />
      )}
    </div>
  );
}

const FIRST_BYTES = 1_024;
const MAX_BYTES = 16_384;

function Raw({ record: { value, encoding, value_bytes: size } }: Props) {
  const open = query('raw') === '1';
  const all = useSignal(false);
  const limit = all.value ? MAX_BYTES : FIRST_BYTES;
  const dump = useMemo(() => {
    if (value === null || !open) return null;
    // of a large text not all is made bytes
    const part = encoding === 'utf-8' ? value.slice(0, limit + 1) : value.slice(0, Math.ceil((limit + 3) / 3) * 4);
    return hexDump(bytesOf(part, encoding), limit);
  }, [value, encoding, limit, open]);
  if (value === null) return null;
  return (
    <details
      open={open}
      onToggle={(event) => {
        if (event.currentTarget.open !== open) setQuery({ raw: event.currentTarget.open ? 1 : null });
      }}
    >
      <summary>Raw bytes</summary>
      {dump !== null && <Code text={dump.text} label="Raw bytes of the value" />}
      {dump?.cut && (
        <div class="row small muted">
          <span>
            The first {count(limit)} of {count(size)} bytes.
          </span>
          {!all.value && (
            <Button
              small
              onClick={() => {
                all.value = true;
              }}
            >
              Show more
            </Button>
          )}
        </div>
      )}
    </details>
  );
}
