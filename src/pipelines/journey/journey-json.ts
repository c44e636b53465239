/** An event's journey as it is told to the outside: the one source of its types, its checks and its documentation. */
import Type, { type Static, type TSchema } from 'typebox';
import { PROJECTION_NAMES } from '../projection.ts';

/** `delivery`: of notices to the webhook, where one is set. */
export const FOLLOWER_NAMES = [...PROJECTION_NAMES, 'delivery'] as const;
export type FollowerName = (typeof FOLLOWER_NAMES)[number];

const OrNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
const Time = Type.String({ format: 'date-time', examples: ['2026-05-27T14:00:00.123Z'] });
const Count = Type.Integer({ minimum: 0 });
const Ms = Type.Number({ minimum: 0 });

export const Lifecycle = Type.Enum(['UNVALIDATED', 'PROCESSING', 'COMMITTED', 'RETRY_DELAY', 'POISON_DLQ']);
export const PlaceJson = Type.Object({ topic: Type.String(), partition: Count, offset: Count });

const Batch = Type.Object(
  { records: Count, duration_ms: Ms },
  { description: 'The transaction that it was stored with, and how long all of it took.' },
);

export const StepJson = Type.Object({
  kind: Type.Enum(
    [
      'created',
      'stored',
      'repeated',
      'replayed',
      'claimed',
      'paused',
      'failed',
      'parked',
      'dead',
      'applied',
      'duplicate',
    ],
    {
      description:
        'created: event time, by the clock of its source. repeated, replayed: the event id once more in the log. claimed, paused: of the partition.',
    },
  ),
  state: OrNull(Lifecycle, 'Of the event, for this handler, from then on.'),
  handler: OrNull(Type.Enum(FOLLOWER_NAMES)),
  ...PlaceJson.properties,
  at: Time,
  since_stored_ms: Type.Number({
    description: 'Below 0 where the source has another clock, or an attempt began before.',
  }),
  started_at: OrNull(Time, 'When the handler was called.'),
  duration_ms: OrNull(Ms),
  attempt: OrNull(Type.Integer({ minimum: 1 })),
  code: OrNull(Type.String()),
  reason: OrNull(Type.String()),
  next_at: OrNull(Time, 'When it is tried again.'),
  delay_ms: OrNull(Ms),
  behind: OrNull(Count, 'The offset of the event of the same key that it waits for.'),
  batch: OrNull(Batch),
  dead_letter: OrNull(Type.String()),
});

export const FateJson = Type.Object({
  handler: Type.Enum(FOLLOWER_NAMES),
  group: Type.String(),
  ...PlaceJson.properties,
  outcome: Type.Enum(['waiting', 'processing', 'retrying', 'parked', 'dead', 'applied', 'duplicate']),
  state: Lifecycle,
  at: OrNull(Time, 'When it came to that; null where that is not kept: see `note`.'),
  since_stored_ms: OrNull(Type.Number()),
  lag: OrNull(Count, 'Of one that waits: records before it.'),
  attempts: OrNull(Count),
  next_at: OrNull(Time),
  behind: OrNull(Count),
  reason: OrNull(Type.String()),
  batch: OrNull(Batch),
  dead_letter: OrNull(Type.String()),
  documents: Type.Array(Type.String(), { description: 'Keys of what it changed, the first 10.' }),
  note: OrNull(Type.String(), 'What is not known, and why; of `delivery`, what was sent.'),
});

export const LaneJson = Type.Object({
  handler: Type.Enum(FOLLOWER_NAMES, {
    description: 'A projection; `delivery`: notices to the webhook, where this process has one set.',
  }),
  group: Type.String(),
  topics: Type.Array(Type.String(), { description: 'What it reads.' }),
  reads: Type.Boolean({ description: 'False: this event is not read by this handler.' }),
  here: Type.Boolean({ description: 'Whether the handler runs in this process.' }),
  state: OrNull(Lifecycle),
  fates: Type.Array(FateJson, { description: 'One for each record of the event.' }),
});

export const StoredJson = Type.Object({
  ...PlaceJson.properties,
  at: Time,
  role: Type.Enum(['original', 'replay', 'repetition']),
  replay_count: Count,
});

export const LetterJson = Type.Object({
  id: Type.String(),
  group: Type.String(),
  ...PlaceJson.properties,
  code: Type.String(),
  reason: Type.String(),
  delivery_count: Count,
  first_failed_at: Type.String(),
  captured_at: Time,
  replay_count: Count,
  replayed: Type.Boolean(),
  replayed_at: Type.Array(Time),
  record: PlaceJson,
});

export const SearchedJson = Type.Object({
  source: Type.Enum(['position', 'trace', 'idempotency', 'time in the id', 'dead letters', 'log']),
  records: Count,
  complete: Type.Boolean({ description: 'Whether it was looked through to its end.' }),
});

export const EventJson = Type.Object({
  event_type: Type.String(),
  user_id: Type.String(),
  content_id: OrNull(Type.String()),
  timestamp: Type.String(),
  data: Type.Unknown(),
  metadata: Type.Record(Type.String(), Type.Unknown()),
});

export const JourneyJson = Type.Object({
  event_id: OrNull(Type.String(), 'Null of a record in which none can be made out.'),
  found_by: SearchedJson.properties.source,
  searched: Type.Array(SearchedJson),
  as_of: Time,
  state: Lifecycle,
  settled: Type.Boolean({ description: 'Nothing more comes of it by itself.' }),
  event: OrNull(EventJson, 'Null where the record cannot be read as an event.'),
  unreadable: OrNull(Type.Object({ code: Type.String(), reason: Type.String() })),
  records: Type.Array(StoredJson, { description: 'Every one with this id that was found, by time.' }),
  gone: Type.Array(PlaceJson, { description: 'Where it was, and retention has removed it.' }),
  steps: Type.Array(StepJson, { description: 'By time.' }),
  lanes: Type.Array(LaneJson),
  dead_letters: Type.Array(LetterJson),
});

export const RelatedJson = Type.Object({
  event_id: OrNull(Type.String()),
  event_type: OrNull(Type.String()),
  causation_id: OrNull(Type.String()),
  correlation_id: OrNull(Type.String()),
  ...PlaceJson.properties,
  at: Time,
});

export const RelationsJson = Type.Object({
  event_id: Type.String(),
  correlation_id: OrNull(Type.String()),
  caused_by: Type.Array(
    Type.Object({ event_id: Type.String(), record: OrNull(RelatedJson, 'Null where it was not found.') }),
    { description: 'What caused it, what caused that, …: 20 levels at most.' },
  ),
  caused: Type.Array(Type.Object({ depth: Type.Integer({ minimum: 1 }), record: RelatedJson }), {
    description: 'What it caused, and what that caused; the first 200.',
  }),
  correlated: Type.Array(RelatedJson, {
    description:
      'Others of its correlation, by time; of the first 200 those that neither caused it nor were caused by it.',
  }),
  searched: Type.Object({
    records: Count,
    from: OrNull(Time, 'Publish time of the oldest record that was looked at.'),
    to: OrNull(Time),
    complete: Type.Boolean({ description: 'Whether all of the log from its time on was looked through.' }),
  }),
});

export type Place = Static<typeof PlaceJson>;
export type Step = Static<typeof StepJson>;
export type Fate = Static<typeof FateJson>;
export type Lane = Static<typeof LaneJson>;
export type Stored = Static<typeof StoredJson>;
export type Letter = Static<typeof LetterJson>;
export type Journey = Static<typeof JourneyJson>;
export type Related = Static<typeof RelatedJson>;
export type Relations = Static<typeof RelationsJson>;
export type LifecycleState = Static<typeof Lifecycle>;
