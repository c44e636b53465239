import { useEffect } from 'preact/hooks';
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { duration, plural } from '../../format.ts';
import { placeIn } from '../../journey-link.ts';
import { Loaded, Note } from '../../parts/notes.tsx';
import { type Figure, Figures, Page } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { Id, Time } from '../../parts/values.tsx';
import { type Resource, useResource } from '../../resource.ts';
import { pathTo, query } from '../../router.ts';
import { visible } from '../../visible.ts';
import { EventContent } from './event-content.tsx';
import { FollowForm } from './follow-form.tsx';
import { HandlersPanel } from './handlers-panel.tsx';
import { endToEndMs, journeyPath, kindOf, sourceWords, stateWords } from './journey-words.ts';
import { LettersPanel } from './letters-panel.tsx';
import { RelationsPanel } from './relations-panel.tsx';
import { StepsPanel } from './steps-panel.tsx';
import { TimelinePanel } from './timeline-panel.tsx';
import { UnknownEvent } from './unknown-event.tsx';

/** While something is to come of it by itself; and of a dead letter, which may be replayed. */
const LIVE_MS = 1_000;
const DEAD_MS = 2_000;

export function EventPage({ id }: { readonly id: string }) {
  const journey = useResource<JourneyAnswer>(journeyPath(id, query('at')));
  useFollowing(journey);
  const { data, problem } = journey;
  const isUnknown = data === null && problem?.code === 'UNKNOWN_EVENT';
  return (
    <Page
      title={data === null ? 'Journey' : titleOf(data)}
      crumbs={[{ text: 'Journey', href: '/journey' }]}
      lead={<Id value={data?.event_id ?? id} />}
    >
      <FollowForm current={id} />
      {isUnknown ? (
        <UnknownEvent key={id} id={id} problem={problem} journey={journey} />
      ) : (
        <Loaded of={journey} what="the journey">
          {(found) => <Journey journey={found} />}
        </Loaded>
      )}
    </Page>
  );
}

/** Asks again as long as more may come. */
function useFollowing({ data, atMs, problem, reload }: Resource<JourneyAnswer>): void {
  const isVisible = visible.value;
  const everyMs = data === null ? null : data.settled ? (data.state === 'POISON_DLQ' ? DEAD_MS : null) : LIVE_MS;
  useEffect(() => {
    if (everyMs === null || !isVisible) return;
    const timer = setTimeout(reload, everyMs);
    return () => clearTimeout(timer);
  }, [everyMs, isVisible, atMs, problem, reload]);
}

function titleOf({ event, unreadable }: JourneyAnswer): string {
  return event?.event_type ?? (unreadable === null ? 'Event' : 'An unreadable record');
}

function Journey({ journey }: { readonly journey: JourneyAnswer }) {
  const { records, gone, event_id } = journey;
  if (records.length === 0)
    return (
      <Note kind="warn">
        Its records are no longer in the log: retention has removed {plural(gone.length, 'record')}. What is left of it
        are its dead letters and what it has changed. <LettersOf journey={journey} />
      </Note>
    );
  return (
    <>
      <Figures items={figuresOf(journey)} />
      <TimelinePanel journey={journey} />
      <StepsPanel journey={journey} />
      <HandlersPanel journey={journey} />
      <LettersOf journey={journey} />
      <EventContent journey={journey} />
      {event_id !== null && placeIn(event_id) === null && <RelationsPanel id={event_id} auto={journey.settled} />}
      <Searched journey={journey} />
    </>
  );
}

function LettersOf({ journey: { dead_letters } }: { readonly journey: JourneyAnswer }) {
  return dead_letters.length === 0 ? null : <LettersPanel letters={dead_letters} />;
}

function figuresOf(journey: JourneyAnswer): readonly Figure[] {
  const { state, event, records, settled } = journey;
  const [first] = records;
  const took = endToEndMs(journey);
  const figures: (Figure | null)[] = [
    {
      label: 'State',
      name: 'journey-state',
      value: <State kind={kindOf(state)}>{state}</State>,
      note: stateWords(state),
    },
    {
      label: 'Stored to last effect',
      value: settled && took !== null ? duration(took) : '–',
      note: settled ? (took === null ? 'not all of it is known' : undefined) : 'not there yet',
    },
    event === null
      ? null
      : {
          label: 'User',
          value: <Whose id={event.user_id} href={pathTo('state', 'feed', `timeline/${event.user_id}`)} />,
        },
    event?.content_id == null
      ? null
      : {
          label: 'Content',
          value: <Whose id={event.content_id} href={pathTo('state', 'engagement', event.content_id)} />,
        },
    first === undefined
      ? null
      : {
          label: 'Stored',
          value: <Time at={first.at} as="full" />,
          note: (
            <a href={pathTo('topics', first.topic, String(first.partition), String(first.offset))}>
              {first.topic}, partition {first.partition}, offset {first.offset}
            </a>
          ),
        },
  ];
  return figures.filter((figure) => figure !== null);
}

/** Of a long one the beginning; all of it is among the event's values below. */
function Whose({ id, href }: { readonly id: string; readonly href: string }) {
  return (
    <a class="cut" href={href} title={id}>
      {id}
    </a>
  );
}

/** How it was found, and what that leaves open. */
function Searched({ journey: { found_by, searched, records } }: { readonly journey: JourneyAnswer }) {
  const looked = searched.filter(({ records }) => records > 0);
  return (
    <p class="small muted">
      The log has no index of event ids. This one was found by {sourceWords(found_by)}
      {looked.length > 0 &&
        ` (looked at: ${looked.map(({ source, records }) => `${plural(records, 'record')} of ${sourceWords(source)}`).join(', ')})`}
      . {plural(records.length, 'record')} of it {records.length === 1 ? 'is' : 'are'} known: a repetition that nobody
      has noticed would not be.
    </p>
  );
}
