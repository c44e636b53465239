/** What retention removes between two looks is neither counted nor takes what is left with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetOf, scan } from '../../src/pipelines/journey/log-scan.ts';
import { LogRanges } from '../../src/pipelines/log-range.ts';
import { MemoryLog } from '../support/memory-log.ts';

const AT = { topic: 't', partition: 0 };
const SECOND = 1_000;

async function logOf(records: number): Promise<MemoryLog> {
  const log = new MemoryLog({ t: 1 });
  const times = Array.from({ length: records }, (_, index) => (index + 1) * SECOND);
  const one = { key: null, value: null, headers: [] };
  await log.append({ ...AT, records: times.map((timestamp) => ({ ...one, timestamp })) });
  return log;
}

test('a scan that began before goes on at the earliest record that is left', async () => {
  for (const direction of ['forwards', 'backwards'] as const) {
    const log = await logOf(100);
    log.trim(AT, 40);
    const found: number[] = [];
    const budget = budgetOf(10_000, 10_000, new AbortController().signal);
    const { left, records } = await scan(log, direction, [{ ...AT, from: 0, to: 100 }], budget, ({ offset }) => {
      found.push(offset);
      return false;
    });
    assert.deepEqual([found.length, Math.min(...found), left, records], [60, 40, [], 60], direction);
  }
});

test('a range over time counts what is there now', async () => {
  const log = await logOf(100);
  const ranges = new LogRanges(log);
  const { signal } = new AbortController();
  const ask = () => ranges.range({ topics: ['t'], from: 0, to: 101 * SECOND, buckets: 12 }, signal);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  assert.equal(sum((await ask()).counts), 100);
  log.trim(AT, 40);
  const { counts, records } = await ask();
  assert.deepEqual([sum(counts), records], [60, 60]);
});
