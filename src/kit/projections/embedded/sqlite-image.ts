/** A store's file read as it lies, for another kind of store to be filled from. */
import { DatabaseSync } from 'node:sqlite';
import type { TopicPartition } from '../../log/event-log.ts';
import { guarded } from '../../stores/sqlite.ts';
import { toDocument } from '../deltas.ts';
import type { Document, PartitionState } from '../projection-store.ts';

export interface StoreImage {
  partitions(): Iterable<Omit<PartitionState, 'parked' | 'epoch'>>;
  /** `shape` is '' for plain documents; else what bounds them, e.g. `keep 500`. */
  documents(): Iterable<{ readonly key: string; readonly fields: Document; readonly shape: string }>;
  /** Event ids of the de-duplication window, oldest first. */
  seen(): Iterable<TopicPartition & { readonly at: number; readonly ids: readonly string[] }>;
}

/** For as long as `use` takes. @param path of a store's file that nobody writes to @throws KitError STORE_UNAVAILABLE */
export async function withImage(path: string, use: (image: StoreImage) => Promise<void>): Promise<void> {
  const db = guarded(() => new DatabaseSync(path, { readOnly: true }));
  const rows = <Row>(sql: string) => db.prepare(sql).iterate() as unknown as Iterable<Row>;
  try {
    await use({
      *partitions() {
        const sql = 'SELECT topic, partition, next, applied, duplicates, dead FROM partitions';
        for (const row of rows<PartitionState & PartitionState['tallies']>(sql)) {
          const { topic, partition, next, applied, duplicates, dead } = row;
          yield { topic, partition, next, tallies: { applied, duplicates, dead } };
        }
      },
      *documents() {
        const entries = db.prepare('SELECT field, value FROM entries WHERE key = ?');
        for (const { key, fields, shape } of rows<DocumentRow>('SELECT key, fields, shape FROM documents')) {
          const rows = entries.all(key).map(({ field, value }) => [field as string, value as number | string] as const);
          const narrow = fields === '' ? [] : Object.entries(JSON.parse(fields) as Document);
          yield { key, shape, fields: toDocument([...narrow, ...rows]) };
        }
      },
      *seen() {
        const sql = `SELECT topic, partitions.partition, at, ids FROM seen_batches
          JOIN partitions ON partitions.id = seen_batches.partition ORDER BY n`;
        for (const { topic, partition, at, ids } of rows<SeenRow>(sql)) {
          yield { topic, partition, at, ids: JSON.parse(ids) as string[] };
        }
      },
    });
  } finally {
    db.close();
  }
}

interface DocumentRow {
  readonly key: string;
  readonly fields: string;
  readonly shape: string;
}

interface SeenRow extends TopicPartition {
  readonly at: number;
  readonly ids: string;
}
