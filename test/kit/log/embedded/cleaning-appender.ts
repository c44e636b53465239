/** A process that appends to a compacted topic, cleans and deletes records until it is killed, and tells what was acknowledged. */
import { LogStore } from '../../../../src/kit/log/embedded/log-store.ts';
import { encodeRecordBatch } from '../../../../src/kit/log/record-encoder.ts';

export const COMPACTED = { topic: 'compacted', partition: 0 };
export const CUT = { topic: 'cut', partition: 0 };
export const KEYS = 17;

async function run(directory: string): Promise<void> {
  const store = new LogStore({
    directory,
    maxMessageBytes: 1_048_588,
    cacheBytes: 10_000,
    maxQueuedBytes: 1_048_576,
    maxQueuedBatches: 100,
    cleanIntervalMs: 1,
    keyMapBytes: 500,
  });
  if (!store.hasTopic(CUT.topic)) {
    const config = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' };
    await store.createTopics([
      { name: COMPACTED.topic, partitions: 1, config },
      { name: CUT.topic, partitions: 1 },
    ]);
  }
  for (;;) {
    await fill(store);
    const { end } = store.offsets(CUT);
    if (end > 50) process.send?.({ start: await store.deleteRecords(CUT, end - 50) });
  }
}

/** Offset and value are the same. */
async function fill(store: LogStore): Promise<void> {
  for (const at of [COMPACTED, CUT]) {
    const { end } = store.offsets(at);
    const records = Array.from({ length: 1 + (end % 7) }, (_, i) => ({
      key: Buffer.from(`k${(end + i) % KEYS}`),
      value: Buffer.from(String(end + i)),
      headers: [],
      timestamp: Date.now(),
    }));
    await store.append(at, encodeRecordBatch(records));
    process.send?.({ topic: at.topic, acknowledged: end + records.length });
  }
}

if (process.argv[1] === import.meta.filename) await run(process.argv[2]!);
