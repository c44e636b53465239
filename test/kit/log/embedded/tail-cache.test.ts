import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type StoredBatch, TailCache } from '../../../../src/kit/log/embedded/tail-cache.ts';

function batch(baseOffset: number, bytes = 100): StoredBatch {
  return { baseOffset, lastOffset: baseOffset, bytes: Buffer.alloc(bytes) };
}

test('what is held is each partition’s end without a gap, within the bytes given, whatever is forgotten between', () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c'), bytes: fc.nat(400) }) },
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), back: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const cache = new TailCache(3_000);
      const ends = new Map([
        ['a', 0],
        ['b', 0],
        ['c', 0],
      ]);
      const starts = new Map(ends);
      for (const each of actions) {
        const end = ends.get(each.key)!;
        if ('bytes' in each) {
          cache.add(each.key, batch(end, each.bytes));
          ends.set(each.key, end + 1);
        } else {
          starts.set(each.key, Math.max(starts.get(each.key)!, end - each.back));
          cache.forget(each.key, end - each.back);
        }
        let held = 0;
        for (const [key, last] of ends) {
          for (let offset = 0; offset < last; offset++) {
            const found = cache.read(key, offset, 1_000_000);
            if (found === null) continue;
            assert.ok(offset >= starts.get(key)!);
            assert.deepEqual(
              found.map(({ baseOffset }) => baseOffset),
              found.map((_, i) => offset + i),
            );
            assert.equal(found.at(-1)!.baseOffset, last - 1);
            held += found.reduce((sum, { bytes }) => sum + bytes.length + 256, 0);
            break;
          }
        }
        assert.ok(held <= 3_000);
      }
    }),
    { numRuns: 200 },
  );
});

test('what was forgotten takes no memory, though an older batch of another partition stays', () => {
  const cache = new TailCache(1_000_000_000);
  cache.add('old', batch(0));
  for (let i = 0; i < 10_000; i++) {
    cache.add('young', batch(i));
    cache.forget('young', i + 1);
  }
  assert.equal(cache.read('young', 9_999, 1), null);
  assert.equal(cache.read('old', 0, 1)?.length, 1);
  assert.ok(cache.entries < 2_100, `${cache.entries} entries`);
});
