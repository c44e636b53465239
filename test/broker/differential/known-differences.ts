/** Where the embedded log answers otherwise than Kafka on purpose. `docs/broker.md` shows this table. */
import type { Difference } from './differences.ts';
import type { Step } from './side.ts';

interface Described {
  readonly api: string;
  /** What Kafka does, and what the embedded log does. */
  readonly what: string;
  readonly reason: string;
}

export interface KnownDifference extends Described {
  readonly covers: (difference: Difference, step: Step) => boolean;
  /** From here on the brokers are in different states: there is nothing more to compare in this sequence. */
  readonly parts?: boolean;
}

const under =
  (...prefixes: string[]): KnownDifference['covers'] =>
  ({ path }) =>
    prefixes.some((prefix) => path.startsWith(prefix));

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    api: 'ApiVersions',
    what: 'Kafka offers more APIs and versions, and features; a test compares the ranges',
    reason: 'Only what the embedded log can do is named, so that clients know.',
    covers: under('apiKeys', 'supportedFeatures', 'finalizedFeatures'),
  },
  {
    api: 'Produce',
    what: 'with some errors Kafka tells where the log starts',
    reason: 'Kafka tells it with some errors and not with others, and no client reads it then.',
    covers: ({ path, ours }) => path.endsWith('.logStartOffset') && ours === -1,
  },
  {
    api: 'Produce',
    what: 'compressed records that cannot be unpacked are UNKNOWN_SERVER_ERROR; here INVALID_RECORD',
    reason: 'So that a producer can tell that its batch is at fault.',
    covers: ({ ours, kafkas }) => ours === 87 && kafkas === -1,
  },
  {
    api: 'DescribeConfigs',
    what: 'a number that was set as 1 is shown as 1.0; here as it was set',
    reason: 'Kafka shows how Java prints it.',
    covers: ({ path, ours, kafkas }) => path.endsWith('.value') && Number(ours) === Number(kafkas),
  },
  {
    api: 'OffsetDelete',
    what: 'in a rebalance Kafka goes by the topics of the generation before; here by those that the members ask for now',
    reason: 'What nobody wants to read any more may go.',
    covers: ({ path, ours, kafkas }) => path.endsWith('.errorCode') && [ours, kafkas].sort().join() === '0,86',
    parts: true,
  },
  {
    api: 'ListOffsets',
    what: 'the record with the largest time may be one that has been deleted; here there is none then',
    reason: 'It could not be read.',
    covers: ({ ours }, { message }) => ours === -1 && JSON.stringify(message).includes('"timestamp":-3'),
  },
  {
    api: 'JoinGroup',
    what: 'a refusal of a member that waited does not say which member it was; here it does',
    reason: 'It is the answer to that member.',
    covers: ({ path, kafkas }) => path === 'memberId' && kafkas === '',
  },
  {
    api: 'SyncGroup',
    what: 'a member that is removed while it waits for its assignment gets no answer; here UNKNOWN_MEMBER_ID',
    reason: 'So that it does not wait in vain.',
    covers: ({ path, kafkas }) => path === '' && kafkas === null,
    parts: true,
  },
  {
    api: 'JoinGroup',
    what: 'when the leader has left, Kafka takes any member as the next one; here it is the one that has been there for longest',
    reason: "Kafka's choice goes by the hash of a random id.",
    covers: under('leader', 'members'),
    parts: true,
  },
  {
    api: 'IncrementalAlterConfigs',
    what: 'an operation that there is not is UNKNOWN_SERVER_ERROR; here INVALID_REQUEST',
    reason: 'A fault of Kafka: it throws a NullPointerException.',
    covers: ({ ours, kafkas }) => ours === 42 && kafkas === -1,
  },
  {
    api: 'DescribeTopicPartitions',
    what: 'the empty name is UNKNOWN_SERVER_ERROR; here INVALID_TOPIC_EXCEPTION',
    reason: 'As Metadata answers it.',
    covers: (_, { message }) => message.topics.some(({ name }: { name: string }) => name === ''),
  },
  {
    api: 'JoinGroup',
    what: 'a member that begins to call itself static is refused with UNKNOWN_SERVER_ERROR; here with UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID',
    reason: 'A fault of Kafka: it throws an IllegalStateException.',
    covers: ({ path, ours, kafkas }, { message }) =>
      message.groupInstanceId !== null &&
      (path === 'memberId' || (path === 'errorCode' && kafkas === -1 && ours !== 0)),
  },
];

/** After these nothing else would be alike, so they are not among the requests that are drawn. */
export const NOT_PLAYED: readonly Described[] = [
  {
    api: 'Produce',
    what: 'for one batch that is transactional, too short, or of an unknown compression, the whole request is refused; here its partition',
    reason: 'The others are good.',
  },
  {
    api: 'Produce',
    what: 'a partition with null for records leaves the request without an answer; here INVALID_RECORD',
    reason: 'So that the producer does not wait in vain.',
  },
  {
    api: 'Produce',
    what: "a batch with a producer id and the epoch -1 is stored, and so is one whose times claim to be the log's own; here INVALID_RECORD",
    reason: 'No producer sends them, and batches are stored as they come.',
  },
  {
    api: 'Produce',
    what: 'times beyond 2^53 ms are taken if `message.timestamp.after.max.ms` lets them; here INVALID_RECORD',
    reason: 'They are numbers here, and exact.',
  },
  {
    api: 'Fetch, Metadata',
    what: 'the topic id of zeros is UNKNOWN_SERVER_ERROR for the whole request; here UNKNOWN_TOPIC_ID',
    reason: 'As for any other id that there is not.',
  },
  {
    api: 'CreateTopics',
    what: '`a.b` is refused where there is `a_b`; here both can be',
    reason: 'It is about the names of metrics, which are not made of topics here.',
  },
  {
    api: 'JoinGroup',
    what: 'a group stays, empty, whose only member was refused or left before it had joined; here it is gone',
    reason: 'It has nothing to be remembered by.',
  },
  {
    api: 'JoinGroup, SyncGroup',
    what: 'of two requests of one member at once the later one is answered; here both are',
    reason: 'So that no connection waits in vain.',
  },
];

export function knownDifference(difference: Difference, step: Step): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(({ api, covers }) => api === step.api && covers(difference, step));
}
