import { KitError } from '../errors.ts';
import { partitionFor } from '../log/partitioner.ts';
import type { Lane } from './lane.ts';
import { type Pending, PendingList } from './pending.ts';

/** Stalled partitions that a record without a key passes over; beyond that, everything is probably down. */
const MAX_STEPS = 8;

/** The lanes of one topic, and which of them a record takes. */
export class TopicRoute {
  /** Records that wait until the number of partitions is known. */
  readonly waiting = new PendingList();
  readonly lanes = new Map<number, Lane>();
  /** Null until the log has said, and again once it has contradicted. */
  partitions: number | null = null;
  knownSinceMs = 0;
  lookingUp = false;
  readonly #openLane: (partition: number) => Lane;
  #sticky: { readonly lane: Lane; readonly partition: number; readonly batches: number } | null = null;

  constructor(openLane: (partition: number) => Lane) {
    this.#openLane = openLane;
  }

  /** @throws KitError UNKNOWN_PARTITION */
  laneFor(entry: Pending, partitions: number, random: () => number): Lane {
    if (entry.wantedPartition === undefined && entry.record.key === null) return this.#keyless(partitions, random);
    const partition = entry.wantedPartition ?? partitionFor(entry.record.key!, partitions);
    if (partition < partitions) return this.#lane(partition);
    throw new KitError('UNKNOWN_PARTITION', `${entry.topic} has ${partitions} partitions: there is no ${partition}`, {
      details: { topic: entry.topic, partition },
    });
  }

  /** Why the lane that this record is in, or will be in, does not get on; undefined where nothing is known. */
  lastErrorFor({ wantedPartition, record }: Pending): KitError | undefined {
    if (this.partitions === null || (wantedPartition === undefined && record.key === null)) return undefined;
    return this.lanes.get(wantedPartition ?? partitionFor(record.key!, this.partitions))?.lastError;
  }

  /** Stays with a partition until its batch has left (KIP-480), then takes the next that does not stall. */
  #keyless(partitions: number, random: () => number): Lane {
    const last = this.#sticky;
    if (last !== null && last.lane.batches === last.batches && last.lane.stalledSinceMs === null) return last.lane;
    let partition = last?.partition ?? Math.floor(random() * partitions);
    for (let step = 0; step < MAX_STEPS; step++) {
      partition = (partition + 1) % partitions;
      if (this.lanes.get(partition)?.stalledSinceMs == null) break;
    }
    const lane = this.#lane(partition);
    this.#sticky = { lane, partition, batches: lane.batches };
    return lane;
  }

  #lane(partition: number): Lane {
    let lane = this.lanes.get(partition);
    if (lane === undefined) {
      lane = this.#openLane(partition);
      this.lanes.set(partition, lane);
    }
    return lane;
  }
}
