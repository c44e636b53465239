/** What waits for another attempt, and what waits behind it. */
import type { ComponentChildren } from 'preact';
import type { ParkedJson } from '../../../api/parked.ts';
import { count, duration, plural } from '../../format.ts';
import { nowMs } from '../../now.ts';
import { SelectField } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { Ago } from './ago.tsx';
import { FailuresFrame, MakeFailureButton } from './failures-frame.tsx';

type Key = ParkedJson['keys'][number];
type Partition = ParkedJson['partitions'][number];

const POLL_MS = 1_000;
const HANDLERS = ['engagement', 'activity', 'feed', 'notifications', 'analytics', 'moderation', 'sessions'] as const;

/** @param skewMs how far the server's clock is ahead of this one */
function columns(attempts: number, skewMs: number): readonly Column<Key>[] {
  return [
    {
      head: 'Key',
      names: true,
      value: ({ key }) => key,
      show: ({ key, topic }) =>
        key === '' ? (
          <span class="muted">no key</span>
        ) : (
          <a class="failure-key" title={key} href={`${pathTo('topics', topic)}?key=${encodeURIComponent(key)}`}>
            {key}
          </a>
        ),
    },
    {
      head: 'Handler',
      value: ({ handler }) => handler,
      show: (key) => <a href={pathTo('consumers', key.group)}>{key.handler}</a>,
    },
    {
      head: 'Event that failed',
      value: ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`,
      show: ({ topic, partition, offset }) => (
        <a class="failure-place" href={pathTo('topics', topic, String(partition), String(offset))}>
          {topic} {partition}:{offset}
        </a>
      ),
    },
    { head: 'Why', value: ({ reason }) => reason, show: ({ reason }) => <span class="failure-reason">{reason}</span> },
    {
      head: 'Attempts',
      number: true,
      value: (key) => key.attempts,
      show: (key) => `${key.attempts} of ${attempts}`,
    },
    {
      head: 'Next attempt',
      value: (key) => key.next_attempt_at,
      show: (key) => <Countdown at={key.next_attempt_at} skewMs={skewMs} />,
    },
    {
      head: 'Behind it',
      number: true,
      value: ({ waiting }) => waiting,
      show: ({ waiting, waiting_offsets: offsets, topic, partition }) =>
        waiting === 0 ? 'nothing' : <Waiting {...{ waiting, offsets, topic, partition }} />,
    },
    {
      head: 'First failed',
      value: (key) => key.first_failed_at,
      show: (key) => <Ago at={key.first_failed_at} />,
    },
  ];
}

function Countdown({ at, skewMs }: { readonly at: string; readonly skewMs: number }) {
  const leftMs = Date.parse(at) - (nowMs.value + skewMs);
  if (leftMs <= 0) return <State kind="busy">now</State>;
  return <State kind="warn">in {leftMs < 60_000 ? `${Math.ceil(leftMs / 1_000)} s` : duration(leftMs)}</State>;
}

interface WaitingProps {
  readonly waiting: number;
  readonly offsets: readonly number[];
  readonly topic: string;
  readonly partition: number;
}

function Waiting({ waiting, offsets, topic, partition }: WaitingProps) {
  return (
    <details class="failure-waiting">
      <summary>{plural(waiting, 'event')}</summary>
      <div>
        {offsets.map((offset) => (
          <a key={offset} href={pathTo('topics', topic, String(partition), String(offset))}>
            {partition}:{offset}
          </a>
        ))}
        {waiting > offsets.length && <span class="muted">and {count(waiting - offsets.length)} more</span>}
      </div>
    </details>
  );
}

export function ParkedPage() {
  const handler = query('handler');
  const wanted = HANDLERS.find((name) => name === handler);
  const path = `/api/v1/parked?limit=200${wanted === undefined ? '' : `&handler=${wanted}`}`;
  const parked = useResource<ParkedJson>(path, { everyMs: POLL_MS });
  const made = query('made');
  return (
    <FailuresFrame
      title="Parked"
      lead="An event that fails for a moment waits for another attempt, and later events of its key wait behind it, so that their order holds. Other keys go on."
    >
      {made !== '' && <Made id={made} data={parked.data} />}
      <Loaded of={parked} what="parked events">
        {(data) => (
          <>
            <Figures
              items={[
                { label: 'Parked events', value: count(data.parked), name: 'parked-events' },
                { label: 'Keys that wait', value: count(data.key_count), name: 'parked-keys' },
                { label: 'Attempts at most', value: count(data.attempts), note: 'then a dead letter' },
              ]}
            />
            <Full partitions={data.partitions} />
            <div class="failure-filters">
              <SelectField
                label="Handler"
                value={handler}
                options={[{ value: '', text: 'every' }, ...HANDLERS.map((name) => ({ value: name, text: name }))]}
                onInput={(name) => setQuery({ handler: name })}
              />
            </div>
            <Keys data={data} skewMs={Date.parse(data.now) - parked.atMs} />
            {data.partitions.length > 0 && <Partitions partitions={data.partitions} />}
          </>
        )}
      </Loaded>
    </FailuresFrame>
  );
}

function Keys({ data, skewMs }: { readonly data: ParkedJson; readonly skewMs: number }) {
  const all = columns(data.attempts, skewMs);
  const unread = data.partitions.filter(({ keys }) => keys === null).length;
  return (
    <Panel
      title="Keys that wait"
      note={`${count(data.keys.length)} of ${count(data.key_count)}, the next attempt first`}
      flush
      actions={<ExportButtons name="parked" columns={all} rows={data.keys} />}
    >
      {unread > 0 && (
        <Note kind="warn">
          So much is parked that {plural(unread, 'partition')} {unread === 1 ? 'was' : 'were'} only counted: see below.
        </Note>
      )}
      <Table
        caption="Keys that wait for another attempt"
        columns={all}
        rows={data.keys}
        keyOf={({ group, topic, partition, offset }) => `${group}/${topic}/${partition}/${offset}`}
        unsorted
        empty={
          <Empty title="Nothing waits">
            <p>Every event was processed at its first attempt, or has been given up. To see one wait, make it fail.</p>
            <p class="row failure-empty-action">
              <MakeFailureButton primary />
            </p>
          </Empty>
        }
      />
    </Panel>
  );
}

const PARTITION_COLUMNS: readonly Column<Partition>[] = [
  { head: 'Handler', names: true, value: ({ handler }) => handler },
  { head: 'Partition', value: ({ topic, partition }) => `${topic} ${partition}` },
  { head: 'Parked events', number: true, value: ({ parked }) => parked, show: ({ parked }) => count(parked) },
  { head: 'Keys', number: true, value: ({ keys }) => keys, show: ({ keys }) => count(keys) },
  {
    head: 'State',
    value: ({ full }) => (full ? 'full' : 'goes on'),
    show: ({ full }) => <State kind={full ? 'bad' : 'ok'}>{full ? 'full: it waits' : 'goes on'}</State>,
  },
];

function Partitions({ partitions }: { readonly partitions: readonly Partition[] }) {
  return (
    <Panel title="By partition" flush>
      <Table
        caption="Parked events by partition"
        columns={PARTITION_COLUMNS}
        rows={partitions}
        keyOf={({ group, topic, partition }) => `${group}/${topic}/${partition}`}
        tall
      />
    </Panel>
  );
}

function Full({ partitions }: { readonly partitions: readonly Partition[] }) {
  const full = partitions.filter((one) => one.full);
  if (full.length === 0) return null;
  return (
    <Note kind="bad">
      {plural(full.length, 'partition')} cannot park more, and {full.length === 1 ? 'takes' : 'take'} no further events
      until some of these are done: 1,000 of a key and 10,000 of a partition may wait.
    </Note>
  );
}

function Made({ id, data }: { readonly id: string; readonly data: ParkedJson | null }) {
  const waits = data?.keys.some(
    ({ group, topic, partition, offset }) => `${group}/${topic}/${partition}/${offset}` === id,
  );
  let text: ComponentChildren = (
    <>
      Your test event does not wait right now: it is on its way, was counted, or was given up as a{' '}
      <a href={`/failures/letters?q=${encodeURIComponent(id)}`}>dead letter</a>.
    </>
  );
  if (data === null) text = 'Looking for your test event …';
  else if (waits) text = 'Your test event has failed and waits below, with what came after it.';
  return waits ? <Note kind="ok">{text}</Note> : <Note>{text}</Note>;
}
