/** The one writer of the log: carries out commands, each in a transaction. Knows nothing of threads. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KitError } from '../../errors.ts';
import { BatchWriter } from './batch-writer.ts';
import { inTransaction, readMeta } from './log-schema.ts';
import { PartitionCleaner } from './partition-cleaner.ts';
import type {
  AppendCommand,
  TopicRow,
  WriteError,
  WriterAnswer,
  WriterCommand,
  WriterDone,
} from './writer-commands.ts';

const NEXT_PRODUCER_ID = 'next_producer_id';

export class LogWriter {
  readonly #database: DatabaseSync;
  readonly #batches: BatchWriter;
  readonly #cleaner: PartitionCleaner;
  readonly #topicIds: Set<number>;
  readonly #insertTopic: StatementSync;
  readonly #alterTopic: StatementSync;
  readonly #saveMeta: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#topicIds = new Set(
      database
        .prepare('SELECT id FROM topics')
        .all()
        .map(({ id }) => Number(id)),
    );
    this.#batches = new BatchWriter(database, (id) => this.#topicIds.has(id));
    this.#cleaner = new PartitionCleaner(database);
    this.#insertTopic = database.prepare('INSERT INTO topics (name, uuid, partitions, config) VALUES (?, ?, ?, ?)');
    this.#alterTopic = database.prepare('UPDATE topics SET partitions = ?, config = ? WHERE id = ?');
    this.#saveMeta = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
  }

  execute(command: Exclude<WriterCommand, { kind: 'close' }>): WriterAnswer {
    try {
      return command.kind === 'append' ? this.#append(command) : done(this.#change(command));
    } catch (error) {
      return { ok: false, error: writeError(error) };
    }
  }

  close(): void {
    this.#database.close();
  }

  #append(command: AppendCommand): WriterDone {
    const appends = unpack(command);
    try {
      return { ok: true, ...inTransaction(this.#database, () => this.#batches.append(command.now, appends)) };
    } catch (error) {
      this.#batches.forget();
      throw error;
    }
  }

  #change(command: Exclude<WriterCommand, AppendCommand | { kind: 'close' }>): number[] {
    const answer = inTransaction(this.#database, () => {
      switch (command.kind) {
        case 'create-topics':
          return command.topics.map((topic) => this.#create(topic));
        case 'alter-topic':
          this.#alterTopic.run(command.partitions, command.config, command.topicId);
          return [];
        case 'drop-topic':
          this.#database.prepare('DELETE FROM topics WHERE id = ?').run(command.topicId);
          this.#database.prepare('INSERT INTO dropped_topics VALUES (?)').run(command.topicId);
          return [];
        case 'producer-ids':
          return [this.#producerIds(command.count)];
        case 'sweep':
          return [this.#cleaner.sweep(command.topicId)];
        case 'mark':
          this.#assertTopic(command.topicId);
          this.#cleaner.mark(command.topicId, command.partition, command);
          return [];
        case 'trim':
          this.#assertTopic(command.topicId);
          return [this.#cleaner.trim(command.topicId, command.partition, command.below)];
        case 'compact':
          this.#assertTopic(command.topicId);
          this.#cleaner.compact(command);
          return [];
      }
    });
    // Once it is in the file, so that a failed transaction changes nothing here either.
    if (command.kind === 'create-topics') for (const id of answer) this.#topicIds.add(id);
    if (command.kind === 'drop-topic') {
      this.#topicIds.delete(command.topicId);
      this.#batches.forget();
    }
    return answer;
  }

  #create({ name, uuid, partitions, config }: TopicRow): number {
    return Number(this.#insertTopic.run(name, uuid, partitions, config).lastInsertRowid);
  }

  #producerIds(count: number): number {
    const first = Number(readMeta(this.#database, NEXT_PRODUCER_ID) ?? 0);
    this.#saveMeta.run(NEXT_PRODUCER_ID, String(first + count));
    return first;
  }

  #assertTopic(topicId: number): void {
    if (!this.#topicIds.has(topicId)) throw new KitError('UNKNOWN_TOPIC', 'The topic has been deleted.');
  }
}

function unpack({ topicIds, partitions, lengths, block }: AppendCommand) {
  let at = 0;
  return lengths.map((length, i) => {
    const bytes = Buffer.from(block, at, length);
    at += length;
    return { topicId: topicIds[i]!, partition: partitions[i]!, bytes };
  });
}

function done(numbers: number[]): WriterDone {
  return { ok: true, numbers, notes: [] };
}

function writeError(error: unknown): WriteError {
  const { message, errcode } = error as Error & { errcode?: number };
  if (error instanceof KitError) return { message, code: error.code };
  return errcode === undefined ? { message } : { message, errcode };
}
