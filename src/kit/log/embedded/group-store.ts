/** What of the groups outlives the process: committed offsets and the last generation. Hints, so an fsync less is no loss. */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { guarded, openRebuildable, transaction } from '../../stores/sqlite.ts';
import type { PartitionOffset } from '../event-log.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS groups (id TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS offsets (
    group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;`;

/** @throws KitError STORE_UNAVAILABLE from every method */
export class GroupStore {
  readonly #database: DatabaseSync;
  readonly #saveOffset: StatementSync;
  readonly #saveGeneration: StatementSync;

  constructor(directory: string) {
    this.#database = openRebuildable(join(directory, 'groups.db'));
    guarded(() => this.#database.exec(SCHEMA));
    this.#saveOffset = this.#database.prepare('INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?)');
    this.#saveGeneration = this.#database.prepare('INSERT OR REPLACE INTO groups VALUES (?, ?)');
  }

  /** Groups that ever had a member or an offset. */
  groupIds(): string[] {
    const sql = 'SELECT id FROM groups UNION SELECT group_id FROM offsets ORDER BY 1';
    return guarded(() => this.#database.prepare(sql).all()).map((row) => String(row.id));
  }

  generation(groupId: string): number {
    const row = guarded(() => this.#database.prepare('SELECT generation FROM groups WHERE id = ?').get(groupId));
    return Number(row?.generation ?? 0);
  }

  saveGeneration(groupId: string, generation: number): void {
    guarded(() => this.#saveGeneration.run(groupId, generation));
  }

  offsets(groupId: string): PartitionOffset[] {
    const sql = 'SELECT topic, partition, offset FROM offsets WHERE group_id = ?';
    const rows = guarded(() => this.#database.prepare(sql).all(groupId));
    return rows.map((row) => ({
      topic: String(row.topic),
      partition: Number(row.partition),
      offset: Number(row.offset),
    }));
  }

  saveOffsets(groupId: string, offsets: readonly PartitionOffset[]): void {
    transaction(this.#database, () => {
      for (const { topic, partition, offset } of offsets) this.#saveOffset.run(groupId, topic, partition, offset);
    });
  }

  close(): void {
    this.#database.close();
  }
}
