/** What the tests of the embedded log's store share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { LogStore, type LogStoreOptions } from '../../../../src/kit/log/embedded/log-store.ts';
import { decodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';
import type { LogRecord, NewRecord, TopicPartition } from '../../../../src/kit/log/event-log.ts';
import { encodeRecordBatch, type ProducerStamp } from '../../../../src/kit/log/record-encoder.ts';

export const AT = { topic: 't', partition: 0 };
const NEVER_MS = 2 ** 31 - 1;

/** A clock that stands still until it is moved. */
export class HandClock {
  #now = 1_700_000_000_000;
  now(): number {
    return this.#now;
  }
  after(): () => void {
    throw new Error('nothing here waits');
  }
  pass(ms: number): void {
    this.#now += ms;
  }
}

const opened = new Map<string, Set<LogStore>>();

/** Removed when the test is over, after the stores in it have been closed. */
export async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'log-store-'));
  const stores = new Set<LogStore>();
  opened.set(directory, stores);
  t.after(async () => {
    for (const store of stores) await store.close();
    await rm(directory, { recursive: true });
  });
  return directory;
}

/** In memory unless a directory is given; cleaned only by `cleanNow`. */
export function openStore(t: TestContext, options: Partial<LogStoreOptions> = {}): LogStore {
  const { directory = null } = options;
  const store = new LogStore({
    maxMessageBytes: 1_048_588,
    cacheBytes: 1024 * 1024,
    maxQueuedBytes: 64 * 1024 * 1024,
    maxQueuedBatches: 10_000,
    cleanIntervalMs: NEVER_MS,
    ...options,
    directory,
  });
  if (directory === null) t.after(() => store.close());
  else opened.get(directory)!.add(store);
  return store;
}

export function record(key: string | null, value: string | null, timestamp = 1_000): NewRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp,
  };
}

export function append(store: LogStore, at: TopicPartition, records: readonly NewRecord[]): Promise<number> {
  return store.append(at, encodeRecordBatch(records));
}

/** As many records as asked for, of an idempotent producer. */
export function stamped(stamp: Partial<ProducerStamp>, count = 1): Buffer {
  const records = Array.from({ length: count }, () => record('k', 'v'));
  return encodeRecordBatch(records, { producerId: 7n, producerEpoch: 0, firstSequence: 0, ...stamp });
}

export function readAll(store: LogStore, at: TopicPartition = AT): LogRecord[] {
  const records: LogRecord[] = [];
  const { start, end } = store.offsets(at);
  for (let next = start; next < end; ) {
    const batches = store.read(at, next, 10_000);
    for (const { bytes } of batches) records.push(...decodeBatch(at, bytes).filter(({ offset }) => offset >= start));
    next = batches.at(-1)!.lastOffset + 1;
  }
  return records;
}

/** `offset:key=value`, to be compared. */
export function told(records: readonly LogRecord[]): string[] {
  return records.map(({ offset, key, value }) => `${offset}:${key}=${value}`);
}
