/** One dead letter: what happened, its bytes, and a copy to repair and send again. */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { DeadLetterListJson, ShownDeadLetterJson } from '../../../api/dead-letters.ts';
import { plural } from '../../format.ts';
import { get } from '../../http.ts';
import { journeyLink } from '../../journey-link.ts';
import { Empty, Loaded, Loading, Note } from '../../parts/notes.tsx';
import { Page, Pairs, Panel } from '../../parts/page.tsx';
import { Badge, State } from '../../parts/state.tsx';
import { Id, Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { eventIdIn, wordsOf } from './failure-words.ts';
import { LetterBytes } from './letter-bytes.tsx';
import { LetterEditor } from './letter-editor.tsx';
import { ReplayPanel } from './replay-panel.tsx';

const CRUMBS = [
  { text: 'Failures', href: '/failures' },
  { text: 'Dead letters', href: '/failures/letters' },
];
const POLL_MS = 400;
/** What was sent a moment ago is a dead letter within milliseconds, unless the handler is far behind. */
const PATIENCE_MS = 30_000;

export function LetterPage({ id }: { readonly id: string }) {
  return query('made') === '' ? <Letter id={id} /> : <JustMade id={id} />;
}

/** Its record is in the log, and its handler about to give it up. */
function JustMade({ id }: { readonly id: string }) {
  const state = useSignal<'waiting' | 'there' | 'late'>('waiting');
  useEffect(() => {
    const stop = new AbortController();
    const since = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      const list = await get<DeadLetterListJson>(
        `/api/v1/dlq?${new URLSearchParams({ text: id, replayed: 'all', limit: '10' })}`,
        { signal: stop.signal },
      ).catch(() => null);
      if (stop.signal.aborted) return;
      if (list?.entries.some((entry) => entry.id === id)) state.value = 'there';
      else if (performance.now() - since > PATIENCE_MS) state.value = 'late';
      else timer = setTimeout(() => void look(), POLL_MS);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id]);
  if (state.value === 'there') return <Letter id={id} />;
  return (
    <Page title="Dead letter" crumbs={CRUMBS}>
      {state.value === 'waiting' ? (
        <Panel title="On its way">
          <p>The test record is in the log; its handler is about to give it up.</p>
          <Loading what="the dead letter" />
        </Panel>
      ) : (
        <Note kind="warn">
          No handler has given it up yet. Is engagement far behind? <a href="/consumers">Consumers</a> shows how far.
        </Note>
      )}
    </Page>
  );
}

function Letter({ id }: { readonly id: string }) {
  const letter = useResource<ShownDeadLetterJson>(`/api/v1/dlq/entry?${new URLSearchParams({ id })}`);
  const { data, problem, reload } = letter;
  const job = query('replay');
  if (problem?.code === 'UNKNOWN_DEAD_LETTER' || problem?.code === 'DEAD_LETTER_GONE')
    return (
      <Page title="Dead letter" crumbs={CRUMBS}>
        <Empty title="There is no such dead letter">
          <p>
            {problem.message}. It may be older than those that are listed, or removed by retention.{' '}
            <a href="/failures/letters">All dead letters</a>
          </p>
        </Empty>
      </Page>
    );
  return (
    <Page
      title={data === null ? 'Dead letter' : `${data.topic} ${data.partition}:${data.offset}`}
      crumbs={data === null ? CRUMBS : [...CRUMBS, { text: data.code, href: pathTo('failures', data.fingerprint) }]}
      lead={data === null ? undefined : wordsOf(data.code).title}
    >
      <Loaded of={letter} what="the dead letter">
        {(shown) => (
          <>
            <div class="failure-letter">
              <div class="stack">
                <WhatHappened letter={shown} />
                <LetterBytes letter={shown} />
              </div>
              <LetterEditor
                letter={shown}
                onReplay={(started) => setQuery({ replay: started, made: null }, { replace: false })}
              >
                {job !== '' && (
                  <ReplayPanel key={job} id={job} onEnded={reload} onClose={() => setQuery({ replay: null })} />
                )}
              </LetterEditor>
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function WhatHappened({ letter }: { readonly letter: ShownDeadLetterJson }) {
  const { id, code, reason, topic, partition, offset, group, original, dead_letter_at: at } = letter;
  const eventId = eventIdIn(original.headers, original.encoding === 'utf-8' ? original.value : null);
  const journey = journeyLink(eventId, `${topic}:${partition}:${offset}`);
  const test = original.headers.find(({ name }) => name === 'streamsocial-test')?.value ?? null;
  return (
    <Panel
      title="What happened"
      note={
        <>
          {test !== null && <Badge>test: {test}</Badge>}{' '}
          <State kind={letter.replayed ? 'idle' : 'bad'}>
            {letter.replayed ? `replayed ${plural(letter.replay_count, 'time')}` : 'open'}
          </State>
        </>
      }
    >
      <div class="stack">
        <Note kind="bad">
          {reason} <code>{code}</code>
        </Note>
        <p class="muted">{wordsOf(code).advice}</p>
        <Pairs
          items={[
            [
              'The record',
              <a key="record" href={pathTo('topics', topic, String(partition), String(offset))}>
                {topic}, partition {partition}, offset {offset}
              </a>,
            ],
            [
              'Given up by',
              <span key="group">
                <a href={pathTo('consumers', group)}>{group}</a>, after {plural(letter.delivery_count, 'attempt')}
              </span>,
            ],
            ['First failed', <Time key="failed" at={letter.first_failed_at} as="full" />],
            ['Set aside', <Time key="captured" at={letter.captured_at} as="full" />],
            [
              'Its event',
              eventId === null ? (
                <span key="event" class="muted">
                  no id can be read; <a href={journey}>journey of its place</a>
                </span>
              ) : (
                <span key="event" class="failure-event">
                  <Id value={eventId} href={journey} /> <a href={journey}>its journey</a>
                </span>
              ),
            ],
            [
              'Kept in',
              <a key="kept" href={pathTo('topics', at.topic, String(at.partition), String(at.offset))}>
                {at.topic} {at.partition}:{at.offset}
              </a>,
            ],
            ...(topic === 'content-interactions' && letter.key !== null
              ? ([
                  [
                    'What it counts for',
                    <a key="counted" href={pathTo('state', 'engagement', letter.key)}>
                      engagement of {letter.key}
                    </a>,
                  ],
                ] as const)
              : []),
            ['Replayed', `${letter.replay_count} of 3 times`],
            ['Id', <Id key="id" value={id} />],
          ]}
        />
      </div>
    </Panel>
  );
}
