import { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import type { EventLog, PartitionOffset } from '../kit/log/event-log.ts';
import { readHistory } from './history/read-history.ts';

const MAX_ENTRIES = 1_000_000;

/** The dead letters as they are in the log, beside the unreadable records that the load has sent. */
export async function deadLettersBesidePoison(
  log: EventLog,
  historyFiles: readonly string[],
): Promise<{ readonly poison: number; readonly missing: number; readonly others: number }> {
  const poison = new Set<string>();
  for await (const entry of readHistory(historyFiles)) {
    if (entry.kind !== 'publish' || entry.eventId !== null || entry.outcome !== 'acked') continue;
    poison.add(placeOf({ topic: entry.topic, partition: entry.partition!, offset: entry.offset! }));
  }
  const sender = { send: () => Promise.reject(new Error('a drill only reads dead letters')) };
  const queue = new DeadLetterQueue({ log, sender, maxEntries: MAX_ENTRIES });
  const { entries } = await queue.list({ limit: MAX_ENTRIES, replayed: 'all' });
  const dead = new Set(entries.map(placeOf));
  return { poison: poison.size, missing: poison.difference(dead).size, others: dead.difference(poison).size };
}

function placeOf({ topic, partition, offset }: PartitionOffset): string {
  return `${topic}/${partition}/${offset}`;
}
