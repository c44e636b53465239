import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ListPlace } from '../../../src/kit/dlq/dead-letter-filter.ts';
import { bucketOf, bucketsBetween } from '../../../src/kit/dlq/dead-letter-groups.ts';
import { letterWorld } from './letters.ts';

test('one failure of many events is one group, with counts over time, its open ones and an example', async () => {
  const { clock, queue, capture } = letterWorld();
  const start = clock.now();
  for (let offset = 0; offset < 4; offset++) {
    await capture(offset);
    await clock.advance(60_000);
  }
  await capture(9, { code: 'NOT_JSON', reason: 'the value is not JSON' });
  const replaying = queue.replay({ ids: ['g/things/0/0'], execute: true });
  await clock.advance(1_000);
  await replaying;

  const { groups, buckets, matching, older } = await queue.groups({ since: start, maxBuckets: 10 });
  assert.deepEqual([matching, older], [5, 0]);
  assert.deepEqual(
    groups.map(({ code, shape, count, open }) => [code, shape, count, open]),
    [
      ['NOT_JSON', 'the value is not JSON', 1, 1],
      ['GONE', '… is missing', 4, 3],
    ],
  );
  const [, gone] = groups;
  assert.deepEqual([gone!.firstSeenAt, gone!.lastSeenAt], [start, start + 180_000]);
  assert.equal(gone!.example.id, 'g/things/0/3');
  assert.deepEqual([buckets.from, buckets.widthMs], [start, 30_000]);
  assert.deepEqual(gone!.counts, [1, 0, 1, 0, 1, 0, 1, 0, 0]);

  const whole = await queue.groups({ maxBuckets: 10 });
  assert.deepEqual([whole.matching, whole.buckets.widthMs, whole.groups[1]!.counts.at(-3)], [5, 120_000, 2]);

  const { fingerprint } = gone!;
  const ids = async (filter: object) => (await queue.list(filter)).entries.map(({ offset }) => offset);
  assert.deepEqual(await ids({ fingerprint }), [3, 2, 1]);
  assert.deepEqual(await ids({ fingerprint, replayed: 'all' }), [3, 2, 1, 0]);
  assert.deepEqual(await ids({ replayed: 'only' }), [0]);
  assert.deepEqual(await ids({ since: start + 60_000, until: start + 180_000 }), [2, 1]);
  assert.deepEqual(await ids({ text: 'POST_2' }), [2]);
  assert.deepEqual(await ids({ group: 'another' }), []);
});

test('pages go on behind what was seen, whatever comes meanwhile, and miss nothing', async () => {
  const { clock, queue, capture } = letterWorld();
  for (let offset = 0; offset < 25; offset++) {
    await capture(offset);
    if (offset % 3 === 0) await clock.advance(1);
  }
  const seen: number[] = [];
  let after: ListPlace | undefined;
  for (let more = true; more; ) {
    const page = await queue.list({ limit: 7, ...(after === undefined ? {} : { after }) });
    seen.push(...page.entries.map(({ offset }) => offset));
    after = page.entries.at(-1)!;
    more = page.more;
    await clock.advance(1);
    await capture(100 + seen.length);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, n) => 24 - n),
  );
});

test('buckets are few, cover the time, and stand on round times', () => {
  const time = fc.integer({ min: 1, max: 4e12 });
  fc.assert(
    fc.property(time, time, fc.integer({ min: 2, max: 240 }), (a, b, max) => {
      const [from, until] = [Math.min(a, b), Math.max(a, b)];
      const buckets = bucketsBetween(from, until, max);
      assert.ok(buckets.count >= 1 && buckets.count <= max);
      assert.ok(buckets.from <= from);
      assert.ok(buckets.from + buckets.count * buckets.widthMs > until, 'the end is in the last one');
      assert.equal(buckets.from % buckets.widthMs, 0);
      assert.equal(bucketOf(from, buckets), 0);
      assert.equal(bucketOf(until, buckets), buckets.count - 1);
    }),
  );
});
