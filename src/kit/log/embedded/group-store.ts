/** What of the groups outlives the process: committed offsets and the last generation. Hints, so an fsync less is no loss. */
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { guarded, openRebuildable, transaction } from '../../stores/sqlite.ts';
import type { PartitionOffset, TopicPartition } from '../event-log.ts';
import { unusable } from './directory-lock.ts';

export interface StoredGroup {
  readonly id: string;
  /** 0 where the group never had members. */
  readonly generation: number;
  /** Empty where the group never had members. */
  readonly protocolType: string;
}

export interface CommittedOffset extends PartitionOffset {
  /** Of the last record that was read, or -1. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface NewOffset extends PartitionOffset {
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS groups (id TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS offsets (
    group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;`;
/** Files of the first releases are taken along: their groups were of consumers, their times begin at the next opening. */
const SINCE_VERSION_1 = `
  ALTER TABLE groups ADD COLUMN protocol_type TEXT NOT NULL DEFAULT 'consumer';
  ALTER TABLE groups ADD COLUMN emptied_at INTEGER;
  ALTER TABLE offsets ADD COLUMN leader_epoch INTEGER NOT NULL DEFAULT -1;
  ALTER TABLE offsets ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
  ALTER TABLE offsets ADD COLUMN committed_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE offsets ADD COLUMN expires_at INTEGER;
  INSERT INTO groups (id, generation, protocol_type) SELECT DISTINCT group_id, 0, '' FROM offsets WHERE TRUE
    ON CONFLICT DO NOTHING;
  PRAGMA user_version = ${VERSION};`;

/** An offset's own time counts first, else the last time that anything was heard of it or of its group. */
const EXPIRED_OFFSETS = `
  DELETE FROM offsets WHERE EXISTS (SELECT 1 FROM groups AS g WHERE g.id = group_id
    AND (g.protocol_type = '' OR g.emptied_at IS NOT NULL)
    AND coalesce(expires_at, max(committed_at, coalesce(g.emptied_at, 0)) + :retention) <= :now)`;
const EXPIRED_GROUPS = `
  DELETE FROM groups WHERE (protocol_type = '' OR emptied_at + :idle <= :now)
    AND NOT EXISTS (SELECT 1 FROM offsets WHERE group_id = groups.id)`;

/** @throws KitError STORE_UNAVAILABLE from every method; DATA_DIR_UNUSABLE when made over a later release's file */
export class GroupStore {
  readonly #database: DatabaseSync;
  readonly #saveOffset: StatementSync;
  readonly #saveGroup: StatementSync;
  readonly #knowGroup: StatementSync;
  readonly #group: StatementSync;
  readonly #offsets: StatementSync;

  /** @param directory null: in memory, for as long as the process runs */
  constructor(directory: string | null) {
    this.#database = openRebuildable(directory === null ? ':memory:' : join(directory, 'groups.db'));
    const version = guarded(() => this.#prepareTables());
    if (version > VERSION) {
      throw unusable(directory ?? '', new Error(`groups.db was written by a later release (format ${version})`));
    }
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#saveOffset = prepare(
      `INSERT OR REPLACE INTO offsets (group_id, topic, partition, offset, leader_epoch, metadata, committed_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#saveGroup = prepare(
      'INSERT OR REPLACE INTO groups (id, generation, protocol_type, emptied_at) VALUES (?, ?, ?, ?)',
    );
    this.#knowGroup = prepare(`INSERT OR IGNORE INTO groups (id, generation, protocol_type) VALUES (?, 0, '')`);
    this.#group = prepare('SELECT id, generation, protocol_type FROM groups WHERE id = ?');
    this.#offsets = prepare(
      'SELECT topic, partition, offset, leader_epoch, metadata FROM offsets WHERE group_id = ? ORDER BY topic, partition',
    );
  }

  group(id: string): StoredGroup | null {
    const row = guarded(() => this.#group.get(id));
    return row === undefined ? null : groupOf(row);
  }

  /** Ascending by id. */
  groups(): StoredGroup[] {
    return this.#all('SELECT id, generation, protocol_type FROM groups ORDER BY id').map(groupOf);
  }

  count(): number {
    return Number(this.#all('SELECT count(*) AS n FROM groups')[0]!.n);
  }

  /** @param emptiedAt since when the group has no members; null while it has */
  saveGroup({ id, generation, protocolType }: StoredGroup, emptiedAt: number | null): void {
    guarded(() => this.#saveGroup.run(id, generation, protocolType, emptiedAt));
  }

  /** Ascending by topic and partition. */
  offsets(groupId: string): CommittedOffset[] {
    return guarded(() => this.#offsets.all(groupId)).map((row) => ({
      topic: String(row.topic),
      partition: Number(row.partition),
      offset: Number(row.offset),
      leaderEpoch: Number(row.leader_epoch),
      metadata: String(row.metadata),
    }));
  }

  /** @param expiresAt null: by the retention of offsets */
  saveOffsets(groupId: string, offsets: readonly NewOffset[], now: number, expiresAt: number | null = null): void {
    transaction(this.#database, () => {
      this.#knowGroup.run(groupId);
      for (const { topic, partition, offset, leaderEpoch = -1, metadata = '' } of offsets) {
        this.#saveOffset.run(groupId, topic, partition, offset, leaderEpoch, metadata, now, expiresAt);
      }
    });
  }

  deleteGroup(id: string): void {
    transaction(this.#database, () => {
      this.#database.prepare('DELETE FROM offsets WHERE group_id = ?').run(id);
      this.#database.prepare('DELETE FROM groups WHERE id = ?').run(id);
    });
  }

  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): void {
    transaction(this.#database, () => {
      const one = this.#database.prepare('DELETE FROM offsets WHERE group_id = ? AND topic = ? AND partition = ?');
      for (const { topic, partition } of partitions) one.run(groupId, topic, partition);
    });
  }

  deleteTopic(topic: string): void {
    guarded(() => this.#database.prepare('DELETE FROM offsets WHERE topic = ?').run(topic));
  }

  /** After a start nobody is in any group, and nobody has told when the last one went. */
  restart(now: number): void {
    transaction(this.#database, () => {
      this.#database
        .prepare(`UPDATE groups SET emptied_at = ? WHERE emptied_at IS NULL AND protocol_type <> ''`)
        .run(now);
      this.#database.prepare('UPDATE offsets SET committed_at = ? WHERE committed_at = 0').run(now);
    });
  }

  /**
   * Groups with members are let be.
   *
   * @param retention of the offsets of a group without members
   * @param idle how long a group is kept that has neither members nor offsets
   */
  expire(now: number, retention: number, idle: number): void {
    transaction(this.#database, () => {
      this.#database.prepare(EXPIRED_OFFSETS).run({ now, retention });
      this.#database.prepare(EXPIRED_GROUPS).run({ now, idle });
    });
  }

  close(): void {
    this.#database.close();
  }

  /** Answers in which version the tables were found. */
  #prepareTables(): number {
    const version = Number(this.#database.prepare('PRAGMA user_version').get()!.user_version);
    this.#database.exec(SCHEMA);
    if (version < VERSION) transaction(this.#database, () => this.#database.exec(SINCE_VERSION_1));
    return version;
  }

  #all(sql: string): Record<string, SQLOutputValue>[] {
    return guarded(() => this.#database.prepare(sql).all());
  }
}

function groupOf(row: Record<string, SQLOutputValue>): StoredGroup {
  return { id: String(row.id), generation: Number(row.generation), protocolType: String(row.protocol_type) };
}
