import type { ConsumerGroup, EventLog, GroupMember, JoinOptions, TopicPartition } from '../../kit/log/event-log.ts';
import { monotonicMs, type OwnershipOperation } from './history.ts';
import type { HistoryRecorder } from './recorder.ts';

/** A log whose groups also write down who owned which partition from when to when. */
export function recordingLog(log: EventLog, recorder: HistoryRecorder): EventLog {
  return {
    kind: log.kind,
    createTopics: (topics) => log.createTopics(topics),
    describe: (topics) => log.describe(topics),
    append: (batch) => log.append(batch),
    read: (request) => log.read(request),
    listOffsets: (queries) => log.listOffsets(queries),
    group: (id) => recordingGroup(log.group(id), recorder),
    close: () => log.close(),
  };
}

function recordingGroup(group: ConsumerGroup, recorder: HistoryRecorder): ConsumerGroup {
  return {
    id: group.id,
    committed: () => group.committed(),
    commit: (offsets) => group.commit(offsets),
    join: (options) => recordedJoin(group, options, recorder),
  };
}

async function recordedJoin(
  group: ConsumerGroup,
  options: JoinOptions,
  recorder: HistoryRecorder,
): Promise<GroupMember> {
  let member: GroupMember | null = null;
  async function recorded<T>(
    kind: OwnershipOperation['kind'],
    partitions: readonly TopicPartition[],
    call: () => Promise<T>,
  ): Promise<T> {
    const invokedMs = monotonicMs();
    try {
      return await call();
    } finally {
      recorder.ownership({
        kind,
        group: group.id,
        memberId: member?.memberId ?? '',
        partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
        invokedMs,
        completedMs: monotonicMs(),
      });
    }
  }
  member = await group.join({
    ...options,
    onAssigned: (partitions) => recorded('assigned', partitions, () => options.onAssigned(partitions)),
    onRevoked: (partitions, lost) =>
      recorded(lost ? 'lost' : 'revoked', partitions, () => options.onRevoked(partitions, lost)),
  });
  return member;
}
