/** What became of events that were sent again: read from where their groups are, what they have parked and given up since. */
import type { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import { type Fate, newIdOf, type SentAgain } from '../kit/dlq/replay-jobs.ts';
import type { TopicPartition } from '../kit/log/event-log.ts';
import type { Projection } from './projection.ts';

/** @returns one fate for each, in their order */
export async function fatesOf(
  sent: readonly SentAgain[],
  projections: readonly Projection[],
  deadLetters: Pick<DeadLetterQueue, 'find'>,
): Promise<Fate[]> {
  const byGroup = Map.groupBy(sent, ({ group }) => group);
  const fates = new Map<SentAgain, Fate>();
  for (const [group, events] of byGroup) {
    const projection = projections.find((one) => one.group === group);
    const settled = projection === undefined ? null : await readSettled(projection, events);
    for (const event of events) fates.set(event, settled === null ? 'unknown' : settled(event));
  }
  // asked last: a dead letter is in its topic before the position moves on
  const dead = await deadLetters.find(sent.map(newIdOf));
  return sent.map((event) => (dead.has(newIdOf(event)) ? 'dead' : fates.get(event)!));
}

async function readSettled(
  { store }: Projection,
  events: readonly SentAgain[],
): Promise<(event: SentAgain) => Exclude<Fate, 'dead' | 'unknown'>> {
  const wanted = new Set(events.map(placeKey));
  const states = new Map((await store.partitions()).map((state) => [placeKey(state), state]));
  const parked = new Map<string, ReadonlySet<number>>();
  for (const [key, state] of states) {
    if (!wanted.has(key) || state.parked === 0) continue;
    parked.set(key, new Set((await store.parked(state)).map(({ offset }) => offset)));
  }
  return (event) => {
    const key = placeKey(event);
    if ((states.get(key)?.next ?? 0) <= event.offset) return 'pending';
    return parked.get(key)?.has(event.offset) ? 'parked' : 'applied';
  };
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
