/** Records as they are published. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { count, plural, rate } from '../../format.ts';
import { connection, tail } from '../../live.ts';
import { Button, TextField } from '../../parts/controls.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { ExportButtons } from '../../parts/table.tsx';
import { query, setQuery, withQuery } from '../../router.ts';
import type { TailOptions } from '../../tail.ts';
import { isPartition } from './browse-query.ts';
import { PartitionField } from './partition-field.tsx';
import { RECORD_COLUMNS, recordJson } from './record-columns.ts';
import { RecordDetail } from './record-detail.tsx';
import { RecordList } from './record-list.tsx';
import { MAX_ROWS, TailBuffer } from './tail-buffer.ts';

const MAX_A_FRAME = 50;

interface Props {
  readonly topic: string;
  readonly partitions: number | null;
}

export function TailTab({ topic, partitions }: Props) {
  const asked = { partition: query('partition'), key: query('key'), text: query('text') };
  const follow = useTail(topic, asked);
  const { buffer } = follow;
  const paused = useSignal(false);
  /** Scrolled down to read: what comes meanwhile waits above. */
  const scrolled = useSignal(false);
  const isHeld = paused.value || scrolled.value;
  const held = useRef({ buffer, rows: buffer.rows });
  if (!isHeld || held.current.rows.length === 0 || held.current.buffer !== buffer)
    held.current = { buffer, rows: buffer.rows };
  const shown = held.current.rows;
  const waiting = isHeld ? newerThan(buffer.rows, shown) : 0;
  const selected = query('record');
  const rates = buffer.rates(performance.now());
  const isFiltered = asked.key !== '' || asked.text !== '';
  return (
    <div class="stack">
      <TailForm asked={asked} partitions={partitions} />
      {follow.ended !== null && (
        <Note kind="bad">
          <div class="row">
            The tail has ended: {follow.ended}
            <Button small onClick={follow.restart}>
              Follow again
            </Button>
          </div>
        </Note>
      )}
      <div class={selected === '' ? '' : 'records-beside'}>
        <Panel
          title="Live tail"
          note={
            <>
              <span data-figure="tail.seen">{count(buffer.seen)}</span> since it was opened, {rate(rates?.seen)}
              {isFiltered && `, ${count(buffer.matched)} of them match, ${rate(rates?.matched)}`}
              {buffer.skipped > 0 && `; ${count(buffer.skipped)} came too fast to be shown`}
            </>
          }
          actions={
            <>
              <TailState held={isHeld} />
              <Button
                small
                pressed={paused.value}
                onClick={() => {
                  paused.value = !paused.value;
                }}
              >
                {paused.value ? 'Go on' : 'Pause'}
              </Button>
              <Button small disabled={shown.length === 0} onClick={follow.clear}>
                Clear
              </Button>
              <ExportButtons name={`${topic}-tail`} columns={RECORD_COLUMNS} rows={shown} json={recordJson} />
            </>
          }
          flush
        >
          {waiting > 0 && (
            <p class="records-waiting small" role="status">
              {waiting >= MAX_ROWS ? `${count(MAX_ROWS)} or more` : count(waiting)} newer:{' '}
              {paused.value ? 'go on to see them' : 'scroll up to see them'}
            </p>
          )}
          {shown.length > 0 ? (
            <RecordList
              label={`Newest records of ${topic}`}
              rows={shown}
              selected={selected}
              hrefOf={({ id }) => withQuery({ record: id })}
              onHold={(held) => {
                scrolled.value = held;
              }}
            />
          ) : (
            <Empty title={connection.value === 'open' ? 'Waiting for records' : 'Not connected'}>
              <p>
                {connection.value === 'open' ? (
                  <>
                    What is published from now on appears here. <a href="/topics?tab=publish">Publish an event</a>, or
                    run the demo from the <a href="/">start page</a>.
                  </>
                ) : (
                  'It goes on by itself once the server answers.'
                )}
              </p>
            </Empty>
          )}
        </Panel>
        {selected !== '' && <RecordDetail key={selected} topic={topic} id={selected} />}
      </div>
      <p class="muted small">
        The newest {plural(MAX_ROWS, 'record')} are kept here, {MAX_A_FRAME * 4} a second at most are shown.
      </p>
    </div>
  );
}

function newerThan(rows: readonly { readonly id: string }[], shown: readonly { readonly id: string }[]): number {
  const first = shown[0]?.id;
  const at = rows.findIndex(({ id }) => id === first);
  return at < 0 ? rows.length : at;
}

function TailState({ held }: { readonly held: boolean }) {
  if (connection.value !== 'open') return <State kind="bad">disconnected</State>;
  return held ? <State kind="idle">held</State> : <State kind="ok">following</State>;
}

interface Asked {
  readonly partition: string;
  readonly key: string;
  readonly text: string;
}

function useTail(topic: string, { partition, key, text }: Asked) {
  /** One more with every frame, so that what shows the buffer is drawn anew. */
  const version = useSignal(0);
  const ended = useSignal<string | null>(null);
  const turn = useSignal(0);
  const asked = `${topic}\n${partition}\n${key}\n${text}\n${turn.value}`;
  const buffer = useMemo(() => ({ current: new TailBuffer(performance.now()) }), [asked]);
  useEffect(() => {
    ended.value = null;
    const options: TailOptions = {
      topic,
      max: MAX_A_FRAME,
      ...(isPartition(partition) ? { partition: Number(partition) } : {}),
      ...(key === '' ? {} : { key }),
      ...(text === '' ? {} : { text }),
    };
    return tail(options, {
      onFrame(frame) {
        buffer.current.add(frame, performance.now());
        version.value++;
      },
      onEnd(_code, message) {
        ended.value = message;
      },
    });
  }, [asked]);
  // the rate falls to nothing when nothing comes
  useSignalEffect(() => {
    const timer = setInterval(() => void version.value++, 1_000);
    return () => clearInterval(timer);
  });
  version.value;
  return {
    buffer: buffer.current,
    ended: ended.value,
    restart: () => void turn.value++,
    clear: () => {
      buffer.current = new TailBuffer(performance.now());
      version.value++;
    },
  };
}

function TailForm({ asked, partitions }: { readonly asked: Asked; readonly partitions: number | null }) {
  const draft = useSignal(asked);
  const set = (values: Partial<Asked>) => {
    draft.value = { ...draft.value, ...values };
  };
  const { partition, key, text } = draft.value;
  // another address, as by the way back
  useLayoutEffect(() => {
    draft.value = asked;
  }, [JSON.stringify(asked)]);
  const isWhole = partition === '' || isPartition(partition);
  return (
    <form
      class="browse-form"
      aria-label="Filter the tail"
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole) setQuery({ ...draft.value, record: null }, { replace: false });
      }}
    >
      <PartitionField
        value={partition}
        partitions={partitions}
        error={isWhole ? null : 'A whole number is needed.'}
        onInput={(value) => set({ partition: value })}
      />
      <TextField
        label="Key"
        value={key}
        placeholder="any"
        spellcheck={false}
        onInput={(value) => set({ key: value })}
      />
      <TextField
        label="Contains text"
        type="search"
        value={text}
        placeholder="exactly as here"
        spellcheck={false}
        onInput={(value) => set({ text: value })}
      />
      <div class="row">
        <Button type="submit" kind="primary">
          Filter
        </Button>
        {(asked.partition !== '' || asked.key !== '' || asked.text !== '') && (
          <a href={withQuery({ partition: null, key: null, text: null, record: null })}>Clear</a>
        )}
      </div>
    </form>
  );
}
