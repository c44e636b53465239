/** What `watch: pulse` of the stream tells, and `GET /api/v1/pulse` answers: how the platform is at a moment. Null: not known. */
import Type, { type Static, type TSchema } from 'typebox';
import { Reconciliation } from './reconciliation.ts';
import { Count, Partition, Timestamp } from './schemas.ts';

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Rate = Type.Number({ minimum: 0, description: 'A second, since the sample before.' });
const Ms = Type.Number({ minimum: 0 });
const Text = Type.String();
const Link = Type.String({
  description: "The page's own address of it.",
  examples: ['/consumers/streamsocial-engagement'],
});

export const Latency = Type.Object(
  { p50_ms: Ms, p99_ms: Ms },
  { description: 'Of the last 10 s; null in its place where nothing happened in them.' },
);

const EndToEnd = Type.Union([Latency, Type.Null()], {
  description:
    'From a record to its stored effect, of those that came while the handler followed their partition: what was in the log already when it ' +
    'took the partition over, or is processed once more after a loss of the projection, does not count. Of the last 10 s; null where there was none.',
});

export const RuntimeState = Type.Enum(['SYSTEM_STOPPED', 'DEMO_RUNNING', 'SYSTEM_ERROR']);

export const Demo = Type.Object(
  {
    state: Type.Enum(['RUNNING', 'DONE', 'FAILED']),
    seed: Type.Integer(),
    requested: Type.Integer(),
    published: Type.Integer(),
    in_log: Type.Integer(),
    applied: Type.Integer(),
    parked: Type.Integer(),
    dead_lettered: Type.Integer(),
    duplicates: Type.Integer(),
    balanced: Type.Union([Type.Boolean(), Type.Null()], { description: 'Null until the demo has ended.' }),
    reconciliation: Type.Union([Reconciliation, Type.Null()]),
    error: Type.Optional(Type.String()),
  },
  { description: 'A demo under way, or ended.' },
);

export const Broker = Type.Object({
  id: Type.Integer(),
  role: orNull(Type.Enum(['controller_leader', 'controller_follower', 'observer'])),
  state: Type.Enum(['STARTING', 'RUNNING', 'RECOVERING', 'FAILED', 'LEADER_ELECTION', 'SHUTDOWN']),
  reason: Text,
  leaders: Count,
  out_of_sync: Count,
});

export const LogState = Type.Object({
  mode: Type.Enum(['embedded', 'kafka']),
  status: orNull(Type.Enum(['healthy', 'degraded', 'down'])),
  brokers: Type.Array(Broker),
  under_replicated_partitions: orNull(Count),
  offline_partitions: orNull(Count),
  under_min_isr_partitions: orNull(Count),
  controller_id: orNull(Type.Integer({ description: '-1 where there is none.' })),
});

export const Producer = Type.Object({
  per_second: Rate,
  errors_per_second: Rate,
  sent: Count,
  failed: Count,
  queue_size: Count,
  p50_ms: orNull(Ms),
  p99_ms: orNull(Ms),
});

export const TopicFlow = Type.Object({
  name: Text,
  partitions: Count,
  end: orNull(
    Type.Integer({ minimum: 0, description: 'The ends of its partitions, summed up: records written so far.' }),
  ),
  per_second: orNull(Rate),
});

export const WorstPartition = Type.Object({
  topic: Text,
  partition: Partition,
  lag: Count,
  lag_seconds: orNull(Type.Number({ minimum: 0 })),
});

export const GroupFlow = Type.Object({
  group: Text,
  handler: orNull(Type.String({ description: 'The projection that it feeds, where it runs in this process.' })),
  topics: Type.Array(Text),
  state: orNull(Type.String({ description: "In Kafka's words: Stable, Empty, PreparingRebalance and so on." })),
  members: orNull(Count),
  generation: orNull(Type.Integer({ description: 'Of the group, as the member in this process knows it.' })),
  halted: orNull(
    Type.Enum(['stopped', 'store_unavailable'], {
      description: 'Why it can apply nothing now; null: nothing is in its way, or that is not known.',
    }),
  ),
  per_second: orNull(Rate),
  errors_per_second: orNull(Rate),
  lag: Type.Integer({ minimum: 0, description: 'Of the partitions whose position is known.' }),
  lag_seconds: orNull(
    Type.Number({
      minimum: 0,
      description:
        'Age of the oldest record that waits; 0 where none does. Null beside a lag of 0: of a partition no position is known.',
    }),
  ),
  worst: orNull(WorstPartition),
  parked: orNull(Count),
  applied: orNull(Type.Integer({ description: 'Records whose effect is stored, since this process began.' })),
  retries: orNull(Count),
  dead: orNull(Count),
  process_p50_ms: orNull(Ms),
  process_p99_ms: orNull(Ms),
  end_to_end: EndToEnd,
});

export const Trouble = Type.Object({
  severity: Type.Enum(['critical', 'warning', 'info']),
  text: Type.String({ description: 'In plain words, to be shown as it is.' }),
  link: orNull(Link),
});

/** A moment as the history keeps it: every sample is one too. */
export const Point = Type.Object({
  at: Timestamp,
  producer: Type.Pick(Producer, ['per_second', 'errors_per_second', 'p50_ms', 'p99_ms']),
  groups: Type.Array(Type.Pick(GroupFlow, ['group', 'per_second', 'errors_per_second', 'lag', 'lag_seconds'])),
  end_to_end: EndToEnd,
  dead_letters: Type.Object({ depth: orNull(Count) }),
});

export const Sample = Type.Object({
  at: Timestamp,
  runtime: Type.Object({ state: RuntimeState, cause: orNull(Text) }),
  log: LogState,
  producer: Producer,
  topics: Type.Array(TopicFlow, { description: 'Those of the log that are not its own, at most 64.' }),
  groups: Type.Array(GroupFlow, { description: 'The handlers first, then others by their lag, at most 64.' }),
  end_to_end: EndToEnd,
  dead_letters: Type.Object({ depth: orNull(Type.Integer({ minimum: 0, description: 'Open ones.' })) }),
  demo: orNull(Demo),
  troubles: Type.Array(Trouble, { description: 'The worst first.' }),
});

export const Mark = Type.Object({
  at: Timestamp,
  kind: Type.Enum(['broker', 'leader', 'isr', 'controller', 'group', 'demo', 'rebuild', 'drill']),
  text: Text,
  link: orNull(Link),
});

export type Latency = Static<typeof Latency>;
export type Broker = Static<typeof Broker>;
export type TopicFlow = Static<typeof TopicFlow>;
export type GroupFlow = Static<typeof GroupFlow>;
export type Trouble = Static<typeof Trouble>;
export type Demo = Static<typeof Demo>;
/** Also what `history` is made of. */
export type Point = Static<typeof Point>;
export type Sample = Static<typeof Sample>;
export type Mark = Static<typeof Mark>;
