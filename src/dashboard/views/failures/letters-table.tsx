/** Dead letters, newest first, a page at a time; what is exported is all that matches. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { DeadLetterListJson } from '../../../api/dead-letters.ts';
import { download } from '../../download.ts';
import { toCsv } from '../../export.ts';
import { bytes, count, plural } from '../../format.ts';
import { get } from '../../http.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Loaded, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { useTask } from '../../use-task.ts';
import { Ago } from './ago.tsx';
import { apiQuery, type LetterFilter } from './letters-query.ts';

type Letter = DeadLetterListJson['entries'][number];

const POLL_MS = 3_000;
const PAGE = 100;
/** What a page of a table can take; the rest is exported. */
const MAX_SHOWN = 2_000;
const EXPORT_PAGE = 1_000;

function columns(withCode: boolean): readonly Column<Letter>[] {
  return [
    {
      head: 'Dead letter',
      names: true,
      value: ({ id }) => id,
      show: ({ id, topic, partition, offset }) => (
        <a class="failure-place" href={pathTo('failures', 'letters', id)}>
          {topic} {partition}:{offset}
        </a>
      ),
    },
    ...(withCode ? [{ head: 'Code', value: ({ code }: Letter) => code }] : []),
    {
      head: 'Reason',
      value: ({ reason }) => reason,
      show: ({ reason }) => <span class="failure-reason">{reason}</span>,
    },
    {
      head: 'Key',
      value: ({ key }) => key,
      show: ({ key }) =>
        key === null ? (
          <span class="muted">none</span>
        ) : (
          <span class="failure-key" title={key}>
            {key}
          </span>
        ),
    },
    { head: 'Value', number: true, value: (letter) => letter.value_bytes, show: (letter) => bytes(letter.value_bytes) },
    { head: 'Attempts', number: true, value: (letter) => letter.delivery_count },
    {
      head: 'State',
      value: ({ replayed, replay_count: replays }) => (replayed ? `replayed ${replays}` : 'open'),
      show: ({ replayed, replay_count: replays }) => (
        <State kind={replayed ? 'idle' : 'bad'}>
          {replayed ? `replayed ${replays}×` : replays === 0 ? 'open' : `open, after ${plural(replays, 'replay')}`}
        </State>
      ),
    },
    {
      head: 'Set aside',
      value: (letter) => letter.captured_at,
      show: (letter) => <Ago at={letter.captured_at} />,
    },
  ];
}

interface LettersProps {
  readonly filter: LetterFilter;
  /** Of one group only. */
  readonly fingerprint?: string;
  readonly empty: ComponentChildren;
  readonly actions?: ComponentChildren;
}

export function LettersTable({ filter, fingerprint, empty, actions }: LettersProps) {
  const more = fingerprint === undefined ? {} : { fingerprint };
  const query = apiQuery(filter, nowMs.value, { ...more, limit: String(PAGE) });
  const first = useResource<DeadLetterListJson>(`/api/v1/dlq?${query}`, { everyMs: POLL_MS });
  /** What was shown when more was asked for, and that: new letters push others off the first page meanwhile. */
  const rest = useSignal<readonly Letter[]>([]);
  const next = useSignal<string | null>(null);
  const { busy, problem, run: tryRun } = useTask();
  const last = useSignal<DeadLetterListJson | null>(null);
  if (first.data !== null) last.value = first.data;
  // another choice begins at its first page; a time that only moves on does not
  useEffect(() => {
    rest.value = [];
    next.value = null;
  }, [fingerprint, ...Object.values(filter)]);

  const page = (cursor: string | null, limit: number) => {
    const at = cursor === null ? {} : { cursor };
    const asked = apiQuery(filter, Date.now(), { ...more, limit: String(limit), ...at });
    return get<DeadLetterListJson>(`/api/v1/dlq?${asked}`);
  };
  const loadMore = (cursor: string, shown: readonly Letter[]) =>
    tryRun(async () => {
      const found = await page(cursor, PAGE);
      rest.value = [...shown, ...found.entries];
      next.value = found.next;
    });
  const save = (kind: 'csv' | 'json') =>
    tryRun(async () => {
      const all: Letter[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const found: DeadLetterListJson = await page(cursor ?? null, EXPORT_PAGE);
        all.push(...found.entries);
        cursor = found.next;
      }
      if (kind === 'json')
        return download('dead-letters.json', 'application/json', `${JSON.stringify(all, null, 2)}\n`);
      const names = Object.keys(all[0] ?? {}) as (keyof Letter)[];
      download(
        'dead-letters.csv',
        'text/csv',
        toCsv(
          names,
          all.map((letter) => names.map((name) => letter[name])),
        ),
      );
    });

  return (
    <Loaded of={{ ...first, data: first.data ?? last.value }} what="dead letters">
      {(list) => {
        const known = new Set(list.entries.map(({ id }) => id));
        const shown = [...list.entries, ...rest.value.filter(({ id }) => !known.has(id))];
        const cursor = rest.value.length > 0 ? next.value : list.next;
        return (
          <Panel
            title="Dead letters"
            note={`${count(shown.length)} of ${count(list.matching)}, newest first`}
            flush
            actions={
              <>
                {(['csv', 'json'] as const).map((kind) => (
                  <Button
                    key={kind}
                    small
                    kind="quiet"
                    disabled={list.matching === 0 || busy.value}
                    label={`Save all ${count(list.matching)} as ${kind.toUpperCase()}`}
                    onClick={() => void save(kind)}
                  >
                    {kind.toUpperCase()}
                  </Button>
                ))}
                {actions}
              </>
            }
          >
            {problem.value !== null && <ProblemNote problem={problem.value} />}
            <Table
              caption="Dead letters that fit"
              columns={columns(fingerprint === undefined)}
              rows={shown}
              keyOf={({ id }) => id}
              empty={empty}
              tall
            />
            {cursor !== null && (
              <div class="row failure-more">
                {shown.length < MAX_SHOWN ? (
                  <Button small busy={busy.value} onClick={() => void loadMore(cursor, shown)}>
                    Show {PAGE} more
                  </Button>
                ) : (
                  <span class="muted small">
                    The first {count(shown.length)}. Narrow the choice, or save all {count(list.matching)} as a file.
                  </span>
                )}
              </div>
            )}
          </Panel>
        );
      }}
    </Loaded>
  );
}
