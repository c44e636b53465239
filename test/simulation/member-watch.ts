/** Holds a group member to the port's contract: what it may call, when, and how often at a time. */
import type { GroupMember, JoinOptions, PartitionBatch, TopicPartition } from '../../src/kit/log/event-log.ts';
import type { Oracle } from './oracle.ts';
import type { SimProcess } from './sim-process.ts';

interface Owned {
  /** Its delivery has begun: before, the member has nothing to pause or to resume. */
  started: boolean;
  delivering: boolean;
  paused: boolean;
  /** The offset that the next record has at least; redelivery begins a few before it. */
  next: number;
}

const REDELIVERED = 3;

/** @param join joins with the watched options */
export async function watchMember(
  process: SimProcess,
  oracle: Oracle,
  options: JoinOptions,
  join: (options: JoinOptions) => Promise<GroupMember>,
): Promise<GroupMember> {
  const owned = new Map<string, Owned>();
  const complain = (what: string) => oracle.violate('member-contract', `${process.name}: ${what}`);
  const member = await join({
    ...options,
    onAssigned: async (partitions) => {
      oracle.trace(`${process.name} assigned ${namesOf(partitions)}`);
      if (owned.size > 0) complain(`assigned ${namesOf(partitions)} while it had ${[...owned.keys()]}`);
      for (const partition of partitions)
        owned.set(nameOf(partition), { started: false, delivering: false, paused: false, next: 0 });
      const starts = await options.onAssigned(partitions);
      for (const state of owned.values()) state.started = true;
      for (const start of starts) owned.get(nameOf(start))!.next = start.offset;
      return starts;
    },
    onRecords: async (batch: PartitionBatch) => {
      const name = nameOf(batch);
      oracle.trace(`${process.name} delivered ${name} ${batch.records[0]?.offset} +${batch.records.length}`);
      const state = owned.get(name);
      const [first] = batch.records;
      if (state === undefined) return complain(`records of ${name}, which it does not own`);
      if (state.delivering) complain(`two deliveries of ${name} at a time`);
      if (state.paused) complain(`a delivery of ${name} while it was paused`);
      if (first !== undefined && (first.offset < state.next - REDELIVERED || first.offset > state.next)) {
        complain(`${name} was delivered from ${first.offset}, not from ${state.next}`);
      }
      state.next = Math.max(state.next, (batch.records.at(-1)?.offset ?? -1) + 1);
      state.delivering = true;
      await options.onRecords(batch);
      state.delivering = false;
    },
    onRevoked: async (partitions, lost) => {
      oracle.trace(`${process.name} ${lost ? 'lost' : 'revoked'} ${namesOf(partitions)}`);
      for (const partition of partitions) {
        if (owned.get(nameOf(partition))?.delivering) complain(`${nameOf(partition)} was revoked during a delivery`);
      }
      await options.onRevoked(partitions, lost);
      for (const partition of partitions) owned.delete(nameOf(partition));
    },
  });
  return watched(member, owned, (what) => oracle.trace(`${process.name} ${what}`));
}

/** The member itself, with its pauses noted. */
function watched(member: GroupMember, owned: Map<string, Owned>, trace: (what: string) => void): GroupMember {
  return {
    get memberId() {
      return member.memberId;
    },
    get generation() {
      return member.generation;
    },
    ended: member.ended,
    assignment: () => member.assignment(),
    pause: (partitions) => {
      for (const partition of partitions) {
        const state = owned.get(nameOf(partition));
        trace(`pauses ${nameOf(partition)}`);
        if (state?.started) state.paused = true;
      }
      member.pause(partitions);
    },
    resume: (partition, offset) => {
      const state = owned.get(nameOf(partition));
      trace(`resumes ${nameOf(partition)} at ${offset}`);
      if (state?.started) Object.assign(state, { paused: false, next: offset });
      member.resume(partition, offset);
    },
    commit: (offsets) => member.commit(offsets),
    leave: () => member.leave(),
  };
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function namesOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(nameOf).join(' ') || 'nothing';
}
