import { firstRecordAt } from '../../kit/log/embedded/log-reader.ts';
import type { LogStore } from '../../kit/log/embedded/log-store.ts';
import type { TopicPartition } from '../../kit/log/event-log.ts';
import { handler } from '../handler.ts';
import { ERROR, errorCodeOf } from '../protocol/error-codes.ts';
import { listOffsets as api } from '../protocol/messages/list-offsets.ts';
import { LEADER_EPOCH } from './metadata.ts';

const LATEST = -1;
const EARLIEST = -2;
/** KIP-734. */
const MAX_TIMESTAMP = -3;
/** KIP-405: nothing is kept elsewhere, so what is local is everything. */
const EARLIEST_LOCAL = -4;
/** KIP-1005. */
const LATEST_TIERED = -5;

const SINCE_VERSION: Readonly<Record<number, number>> = {
  [LATEST]: 1,
  [EARLIEST]: 1,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
};

interface Found {
  readonly offset: number;
  readonly timestamp: number;
}

const NOTHING: Found = { offset: -1, timestamp: -1 };

export const listOffsets = handler(api, ({ topics }, { version }, { store }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
      if (timestamp < 0 && version < (SINCE_VERSION[timestamp] ?? Number.POSITIVE_INFINITY)) {
        return { partitionIndex, errorCode: ERROR.UNSUPPORTED_VERSION };
      }
      try {
        const at = { topic: name, partition: partitionIndex };
        store.offsets(at);
        const errorCode = currentLeaderEpoch > LEADER_EPOCH ? ERROR.UNKNOWN_LEADER_EPOCH : ERROR.NONE;
        if (errorCode !== ERROR.NONE) return { partitionIndex, errorCode };
        const found = find(store, at, timestamp);
        const leaderEpoch = found.offset === -1 ? -1 : LEADER_EPOCH;
        return { partitionIndex, errorCode, ...found, leaderEpoch };
      } catch (error) {
        return { partitionIndex, errorCode: errorCodeOf(error) };
      }
    }),
  })),
}));

function find(store: LogStore, at: TopicPartition, timestamp: number): Found {
  const { start, end } = store.offsets(at);
  switch (timestamp) {
    case LATEST:
      return { offset: end, timestamp: -1 };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: start, timestamp: -1 };
    case LATEST_TIERED:
      return NOTHING;
    case MAX_TIMESTAMP:
      return firstAt(store, at, store.maxTimestamp(at));
    default:
      return firstAt(store, at, timestamp);
  }
}

function firstAt(store: LogStore, at: TopicPartition, time: number): Found {
  return firstRecordAt(store, at, time) ?? NOTHING;
}
