import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordReader } from '../../../src/kit/consumers/record-reader.ts';
import type { EventLog, ReadRequest } from '../../../src/kit/log/event-log.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const place = { topic: 't', partition: 0 };
const RECORD_BYTES = 500;

/** Answers as Kafka does: one record a batch, at least one batch, and as many as `maxBytes` allows. */
function logOfSmallBatches(memory: MemoryLog): { log: EventLog; requests: ReadRequest[] } {
  const requests: ReadRequest[] = [];
  const log = {
    listOffsets: memory.listOffsets.bind(memory),
    read(request: ReadRequest) {
      requests.push(request);
      return memory.read({ ...request, maxRecords: Math.max(1, Math.floor(request.maxBytes! / RECORD_BYTES)) });
    },
  };
  return { log: log as unknown as EventLog, requests };
}

async function filled(records: number): Promise<MemoryLog> {
  const memory = new MemoryLog({ t: 1 });
  for (let i = 0; i < records; i++) await memory.send({ ...place, key: null, value: Buffer.from(`${i}`), headers: [] });
  return memory;
}

test('a thousand parked records take a handful of reads, and the first one no more than its own batch', async () => {
  const { log, requests } = logOfSmallBatches(await filled(2_000));
  const reader = new RecordReader(log, place);
  for (let offset = 0; offset < 2_000; offset += 2)
    assert.equal((await reader.read(offset))?.value?.toString(), `${offset}`);
  assert.equal(requests[0]!.maxBytes, 1);
  assert.ok(requests.length <= 6, `${requests.length} reads`);
});

test('records are found in any order, beside holes, and one that is gone is null', async () => {
  const memory = await filled(20);
  for (const offset of [3, 4, 9]) memory.remove({ ...place, offset });
  memory.trim(place, 1);
  const { log } = logOfSmallBatches(memory);
  const reader = new RecordReader(log, place);
  for (const offset of [2, 5, 4, 19, 1, 10, 12, 2]) {
    const record = await reader.read(offset);
    assert.equal(record?.offset ?? null, offset === 4 ? null : offset);
  }
  assert.equal(await reader.read(0), null);
});
