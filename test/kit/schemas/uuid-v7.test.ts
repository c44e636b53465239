import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uuidV7Maker } from '../../../src/kit/schemas/uuid-v7.ts';

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('uuidV7Maker', () => {
  test('gives the example of RFC 9562, appendix A.6', () => {
    const random = Buffer.from('0cc398c4dc0c0c07398f', 'hex');
    const newId = uuidV7Maker({ now: () => 0x017f22e279b0 }, (pool) => void pool.fill(random));
    // The counter keeps its top bit free: rand_a cc3 of the example becomes 4c3.
    assert.equal(newId(), '017f22e2-79b0-74c3-98c4-dc0c0c07398f');
  });

  test('ascends within a millisecond, past the counter, and when the clock goes back', () => {
    let now = Date.UTC(2026, 4, 27);
    const newId = uuidV7Maker({ now: () => now });
    let previous = '';
    for (let count = 0; count < 20_000; count++) {
      if (count === 15_000) now -= 60_000;
      const id = newId();
      assert.match(id, FORM);
      assert(id > previous, `${id} after ${previous}`);
      previous = id;
    }
  });

  test('carries the time', () => {
    const now = Date.UTC(2026, 4, 27, 14);
    const id = uuidV7Maker({ now: () => now })();
    assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), now);
  });

  test('two makers at the same moment do not meet', () => {
    const clock = { now: () => 1 };
    const ids = new Set<string>();
    for (let count = 0; count < 1_000; count++) ids.add(uuidV7Maker(clock)());
    assert.equal(ids.size, 1_000);
  });
});
