import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord, PartitionBatch, ReadRequest } from '../../src/kit/log/event-log.ts';
import { recordsOf } from '../../src/pipelines/records-of.ts';
import { hasCode } from '../kit/consumers/harness.ts';

const AT = { topic: 't', partition: 0 };
const NOTHING = { key: null, value: null, headers: [], timestamp: 0 };
const record = (offset: number): LogRecord => ({ ...AT, ...NOTHING, offset });

/** A partition that ends at `end`, with records at these offsets alone; `reaches` is the high watermark of each read in turn. */
function logWith(offsets: readonly number[], end: number, reaches: readonly number[] = []) {
  const asked: ReadRequest[] = [];
  return {
    asked,
    async listOffsets() {
      return [0, end];
    },
    async read(request: ReadRequest): Promise<PartitionBatch> {
      asked.push(request);
      assert.ok(asked.length < 100, 'it goes on for ever');
      const highWatermark = reaches[asked.length - 1] ?? reaches.at(-1) ?? end;
      const found = offsets.filter((offset) => offset >= request.offset && offset < highWatermark).slice(0, 2);
      return { ...AT, records: found.map(record), highWatermark };
    },
  };
}

async function offsetsOf(log: ReturnType<typeof logWith>, range?: Parameters<typeof recordsOf>[2]): Promise<number[]> {
  const found: number[] = [];
  for await (const records of recordsOf(log, AT, range)) found.push(...records.map(({ offset }) => offset));
  return found;
}

test('holes are passed over, also one that is all of it, and one that reaches to the end', async () => {
  assert.deepEqual(await offsetsOf(logWith([1, 5, 6], 10)), [1, 5, 6]);
  assert.deepEqual(await offsetsOf(logWith([], 10)), []);
  assert.deepEqual(await offsetsOf(logWith([1, 5, 12], 20), { from: 2, end: 10 }), [5]);
  const { asked, ...log } = logWith([1, 2], 10);
  assert.deepEqual(await offsetsOf({ asked, ...log }), [1, 2]);
  assert.deepEqual(
    asked.map(({ offset, maxWaitMs }) => [offset, maxWaitMs]),
    [
      [0, undefined],
      [3, undefined],
    ],
    'nothing is waited for',
  );
});

test('a leader that is behind for a moment is waited for, and one that stays behind is an error', async () => {
  const behind = logWith([1, 2, 8], 10, [3, 3, 3, 10]);
  assert.deepEqual(await offsetsOf(behind), [1, 2, 8]);
  assert.deepEqual(behind.asked.at(-3)?.maxWaitMs, 1_000);
  await assert.rejects(offsetsOf(logWith([1, 2], 10, [3])), hasCode('LOG_UNAVAILABLE'));
});
