/** What the API says of consumer groups. Null: not known. */
import Type, { type Static, type TSchema } from 'typebox';
import { PROJECTION_NAMES } from '../pipelines/projection.ts';
import { Count, Offset, Partition, Timestamp, TopicName } from './schemas.ts';

const orNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

export const GroupId = Type.String({ minLength: 1, maxLength: 300, examples: ['billing'] });
export const GroupParams = Type.Object({ group: GroupId });

const Seconds = Type.Number({ minimum: 0 });
const Owner = orNull(
  Type.Enum([...PROJECTION_NAMES, 'delivery']),
  "The projection of ours that it feeds; `delivery`: notices to the webhook; null: somebody else's.",
);
const State = orNull(Type.String({ description: "In Kafka's words: Stable, Empty, PreparingRebalance and so on." }));
const Kind = orNull(Type.String({ description: '`classic`, or `consumer` (KIP-848).' }));
const Lag = orNull(Count, 'Records that wait, of the partitions where that is known.');
const LagUnknown = Type.Integer({
  minimum: 0,
  description: 'Partitions where the lag is not known: nothing is committed yet, or their leader does not answer.',
});
const LagSeconds = orNull(Seconds, 'How long the oldest of them has been waiting, to within a second.');
const PerSecond = orNull(Seconds, 'Records consumed a second, over the last ten seconds.');

export const GroupSummary = Type.Object({
  group: GroupId,
  owner: Owner,
  state: State,
  type: Kind,
  members: Count,
  topics: Type.Array(TopicName),
  partitions: Count,
  lag: Lag,
  lag_unknown: LagUnknown,
  lag_seconds: LagSeconds,
  per_second: PerSecond,
  recent_lag: Type.Array(orNull(Count), {
    description: 'The most of every ten seconds of the last ten minutes, the newest last; null where nobody looked.',
  }),
  rebalances: Type.Integer({ minimum: 0, description: 'Seen in the last ten minutes.' }),
});

export const GroupList = Type.Object({
  observed_at: orNull(Timestamp),
  groups: Type.Array(GroupSummary),
  incomplete: Type.Array(Type.String(), { description: 'What could not be learned this time, and why.' }),
  bootstrap: orNull(
    Type.String(),
    'Where clients of the Kafka protocol connect; null where the log does not speak it.',
  ),
});

const Member = Type.Object({
  member_id: Type.String(),
  instance_id: orNull(Type.String({ description: 'Of a static member.' })),
  client_id: Type.String(),
  host: Type.String({ description: 'As the broker saw it.' }),
  assignment: Type.Array(Type.Object({ topic: TopicName, partitions: Type.Array(Partition) })),
  lag: Lag,
});

const GroupPartition = Type.Object({
  topic: TopicName,
  partition: Partition,
  start: orNull(Offset),
  end: orNull(Offset),
  committed: orNull(Offset, 'In the log. For a projection of ours a hint to tools.'),
  position: orNull(Offset, 'Where a projection of ours goes on: stored with what it has counted.'),
  lag: orNull(Count),
  lag_seconds: orNull(Seconds),
  member_id: orNull(Type.String()),
});

export const Group = Type.Object({
  ...Type.Omit(GroupSummary, ['members', 'partitions', 'recent_lag', 'rebalances']).properties,
  observed_at: orNull(Timestamp),
  assignor: orNull(Type.String()),
  generation: orNull(Type.Integer(), 'One more with every rebalance; Kafka does not tell that of classic groups.'),
  coordinator: orNull(Type.Integer(), 'Node id of the broker that coordinates it.'),
  members: Type.Array(Member),
  partitions: Type.Array(GroupPartition),
  projection: orNull(
    Type.Object({ name: Type.Enum(PROJECTION_NAMES), applied: Count, duplicates: Count, parked: Count, dead: Count }),
    'What a projection of ours has stored.',
  ),
});

export const RebalanceSeen = Type.Object({
  at: Timestamp,
  took_ms: orNull(Count, 'Null where it began and ended between two looks.'),
  generation: orNull(Type.Integer()),
  members: Type.Integer({ minimum: 0, description: 'After it.' }),
  joined: Type.Array(Type.String(), { description: 'Client ids.' }),
  left: Type.Array(Type.String()),
  moved_partitions: Count,
  text: Type.String({ description: 'In words.' }),
});

export const GroupHistory = Type.Object({
  group: GroupId,
  from: orNull(Timestamp, 'Null before the first look.'),
  seconds: Type.Array(Type.Number(), { description: 'Since `from`; the other lists have an entry for each.' }),
  lag: Type.Array(orNull(Count)),
  lag_seconds: Type.Array(orNull(Seconds)),
  per_second: Type.Array(orNull(Seconds)),
  topics: Type.Array(Type.Object({ topic: TopicName, lag: Type.Array(orNull(Count)) })),
  rebalances: Type.Array(RebalanceSeen, { description: 'The newest last.' }),
});

export const PartitionOffset = Type.Object(
  { topic: TopicName, partition: Partition, offset: Offset },
  { additionalProperties: false },
);

export const ResetBody = Type.Object(
  {
    to: Type.Enum(['earliest', 'latest', 'current', 'offset', 'shift', 'time', 'offsets']),
    offset: Type.Optional(Offset),
    by: Type.Optional(
      Type.Integer({
        minimum: -Number.MAX_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'With `shift`: so many records ahead, or back with a negative number.',
      }),
    ),
    time: Type.Optional({ ...Timestamp, description: 'With `time`: the first record at or after it.' }),
    offsets: Type.Optional(
      Type.Array(PartitionOffset, {
        minItems: 1,
        maxItems: 20_000,
        description: 'With `offsets`: one for each partition.',
      }),
    ),
    topics: Type.Optional(
      Type.Array(
        Type.Object(
          { topic: TopicName, partitions: Type.Optional(Type.Array(Partition, { minItems: 1, maxItems: 20_000 })) },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 100, description: 'Without it: every partition that the group has an offset of.' },
      ),
    ),
    create: Type.Optional(Type.Boolean({ description: 'Also for a group that is not there yet.' })),
    execute: Type.Optional(Type.Boolean({ description: 'Else it is only said what would change.' })),
  },
  {
    additionalProperties: false,
    examples: [{ to: 'time', time: '2026-05-27T14:00:00Z', topics: [{ topic: 'content-interactions' }] }],
  },
);

export const Reset = Type.Object({
  group: GroupId,
  state: Type.String(),
  executed: Type.Boolean(),
  blocked: orNull(
    Type.Object({ code: Type.String(), detail: Type.String() }),
    'Why it cannot be executed now, and what to do.',
  ),
  resets: Type.Array(
    Type.Object({
      topic: TopicName,
      partition: Partition,
      from: orNull(Offset, 'Null where nothing was committed.'),
      to: Offset,
      start: Offset,
      end: Offset,
      effect: Type.Enum(['new', 'unchanged', 'repeated', 'skipped']),
      records: Type.Integer({
        minimum: 0,
        description: 'Repeated or skipped, at most: compaction and transactions leave fewer records than offsets.',
      }),
    }),
  ),
  repeated: Count,
  skipped: Count,
  warnings: Type.Array(Type.String()),
});

export const Deleted = Type.Object({
  group: GroupId,
  deleted: Type.Boolean(),
  offsets: Type.Array(PartitionOffset, { description: 'What it had committed.' }),
});

export type GroupSummary = Static<typeof GroupSummary>;
export type GroupList = Static<typeof GroupList>;
export type Group = Static<typeof Group>;
export type GroupPartition = Static<typeof GroupPartition>;
export type GroupHistory = Static<typeof GroupHistory>;
export type RebalanceSeen = Static<typeof RebalanceSeen>;
export type ResetBody = Static<typeof ResetBody>;
export type Reset = Static<typeof Reset>;
export type Deleted = Static<typeof Deleted>;
