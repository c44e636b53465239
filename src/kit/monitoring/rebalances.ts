/** Rebalances of a consumer group, from what its coordinator says of it at one look and at the next. */
import type { TopicPartition } from '../log/event-log.ts';
import type { GroupDescription } from '../log/log-admin.ts';
import { keyOf } from './cluster-facts.ts';

export interface Rebalance {
  /** When it was noticed, by the clock of the looks: at the first look that saw it under way, or at the one that saw what came of it. */
  readonly atMs: number;
  /** Null where it began and ended between two looks. */
  readonly tookMs: number | null;
  /** After it; null where the coordinator does not tell. */
  readonly generation: number | null;
  /** After it. */
  readonly members: number;
  /** Client ids. */
  readonly joined: readonly string[];
  readonly left: readonly string[];
  /** Partitions that have another owner than before, or none. */
  readonly moved: number;
  /** In words. */
  readonly text: string;
}

interface Settled {
  /** Client id by member id. */
  readonly members: ReadonlyMap<string, string>;
  /** Member id by partition. */
  readonly owners: ReadonlyMap<string, string>;
}

const SETTLED = new Set(['Stable', 'Empty']);
const SHOWN = 3;

/** Of one group. What it is like at first is no rebalance. */
export class RebalanceWatch {
  #before: GroupDescription | null = null;
  #unsettledSinceMs: number | null = null;

  saw(group: GroupDescription, atMs: number): Rebalance | null {
    if (!SETTLED.has(group.state)) {
      if (this.#before !== null) this.#unsettledSinceMs ??= atMs;
      return null;
    }
    const [known, since] = [this.#before, this.#unsettledSinceMs];
    this.#before = group;
    this.#unsettledSinceMs = null;
    if (known === null || (since === null && isSame(known, group))) return null;
    const [before, after] = [settled(known), settled(group)];
    const change = compare(before, after);
    const hasChanged = change.joined.length + change.left.length + change.moved > 0;
    if (!hasChanged && since === null && known.generation === group.generation) return null;
    return {
      atMs: since ?? atMs,
      tookMs: since === null ? null : atMs - since,
      generation: group.generation,
      members: after.members.size,
      ...change,
      text: textOf(before, after, change),
    };
  }
}

/** As a group is at most looks: without comparing sets. */
function isSame(before: GroupDescription, after: GroupDescription): boolean {
  return (
    before.generation === after.generation &&
    before.members.length === after.members.length &&
    before.members.every(({ memberId, assignment }, index) => {
      const other = after.members[index]!;
      return (
        memberId === other.memberId &&
        assignment.length === other.assignment.length &&
        assignment.every(({ topic, partition }, at) => {
          const place = other.assignment[at]!;
          return partition === place.partition && topic === place.topic;
        })
      );
    })
  );
}

function settled({ members }: GroupDescription): Settled {
  return {
    members: new Map(members.map(({ memberId, clientId }) => [memberId, clientId || memberId])),
    owners: new Map(
      members.flatMap(({ memberId, assignment }) => assignment.map((at: TopicPartition) => [keyOf(at), memberId])),
    ),
  };
}

type Change = Pick<Rebalance, 'joined' | 'left' | 'moved'>;

function compare(before: Settled, after: Settled): Change {
  const missing = (from: Settled, other: Settled): string[] =>
    [...from.members].filter(([id]) => !other.members.has(id)).map(([, clientId]) => clientId);
  const partitions = new Set([...before.owners.keys(), ...after.owners.keys()]);
  return {
    joined: missing(after, before),
    left: missing(before, after),
    moved: [...partitions].filter((partition) => before.owners.get(partition) !== after.owners.get(partition)).length,
  };
}

function textOf(before: Settled, after: Settled, { joined, left, moved }: Change): string {
  const who = [
    ...(joined.length > 0 ? [`${names(joined)} joined`] : []),
    ...(left.length > 0 ? [`${names(left)} left`] : []),
  ];
  if (who.length === 0)
    who.push(after.owners.size === before.owners.size ? 'the same members' : partitionChange(before, after));
  if (after.members.size === 0) return `${who.join(', ')}; nobody is left`;
  const moves = moved === 0 ? 'nothing moved' : `${count(moved, 'partition')} moved`;
  return `${who.join(', ')}; ${count(after.members.size, 'member')}, ${moves}`;
}

function partitionChange(before: Settled, after: Settled): string {
  const change = after.owners.size - before.owners.size;
  return change > 0 ? `${count(change, 'partition')} more` : `${count(-change, 'partition')} less`;
}

/** `billing-1, billing-2 and 4 more`; one name many times is told once. */
function names(clientIds: readonly string[]): string {
  const counted = [...Map.groupBy(clientIds, (id) => id)].map(([id, same]) =>
    same.length === 1 ? id : `${id} (${same.length} members)`,
  );
  const rest = counted.length - SHOWN;
  return `${counted.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
