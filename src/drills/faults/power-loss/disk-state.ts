/** What is in the platform's files after a loss of power, before anything has repaired it. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TopicPartition } from '../../../kit/log/event-log.ts';

export interface DiskPosition {
  readonly epoch: number;
  /** The next offset to process. */
  readonly next: number;
  /** How many records were applied, found to be duplicates, or given up. */
  readonly settled: number;
}

export interface DiskState {
  /** What SQLite found wrong, a line each. */
  readonly damages: readonly string[];
  /** Of the log, by `topic/partition`. */
  readonly ends: ReadonlyMap<string, number>;
  /** Of both projections, by `topic/partition`. */
  readonly positions: ReadonlyMap<string, DiskPosition>;
}

const LOG = 'log/log.db';
const PROJECTIONS = ['projections/engagement.db', 'projections/activity.db'];
const FILES = [LOG, 'log/groups.db', ...PROJECTIONS];

const ENDS = `
  SELECT name AS topic, partition, max(last_offset) + 1 AS next
  FROM batches JOIN topics ON topics.id = topic_id GROUP BY topic_id, partition`;
const POSITIONS = `
  SELECT topic, partition, epoch, coalesce(next, 0) AS next, applied + duplicates + dead AS settled FROM partitions`;

/**
 * Looks at a copy: opening a database repairs it, which is what the platform must do itself.
 *
 * @param scratch a directory for the copy, that does not exist
 */
export function inspectDisk(directory: string, scratch: string): DiskState {
  cpSync(directory, scratch, { recursive: true });
  const damages: string[] = [];
  /** Nothing where the file is not on the disk yet. */
  const query = <T>(file: string, sql: string): T[] => {
    const path = join(scratch, file);
    if (!existsSync(path)) return [];
    const database = new DatabaseSync(path);
    try {
      return database.prepare(sql).all() as T[];
    } catch (error) {
      // a table that is not on the disk yet is no damage
      const { message } = error as Error;
      if (!message.startsWith('no such table')) damages.push(`${file}: ${message}`);
      return [];
    } finally {
      database.close();
    }
  };
  const places = (file: string, sql: string) =>
    query<TopicPartition & DiskPosition>(file, sql).map((row) => [placeOf(row), row] as const);
  try {
    for (const file of FILES) {
      for (const { integrity_check: line } of query<{ integrity_check: string }>(file, 'PRAGMA integrity_check(1)'))
        if (line !== 'ok') damages.push(`${file}: ${line.replaceAll('\n', ' ')}`);
    }
    const ends = new Map(places(LOG, ENDS).map(([place, { next }]) => [place, next]));
    const positions = new Map(PROJECTIONS.flatMap((file) => places(file, POSITIONS)));
    return { damages, ends, positions };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

export function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
