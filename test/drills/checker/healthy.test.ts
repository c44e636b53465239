import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkScene, healthyScene } from './healthy.ts';

/** What the generated systems have to have gone through, or their health would prove little. */
const LIVED_THROUGH = [
  'sent again',
  'answered again',
  'poison',
  'failed',
  'unknown, stored',
  'unknown, not stored',
  'unknown, applied',
  'unknown, not applied',
  'killed, applied',
  'killed, not applied',
  'killed',
  'frozen',
  'cut off',
  'held answer',
  'fenced',
  'mismatch',
  'revoked by a zombie',
  'rebalance',
  'retry',
  'dead letter',
  'replay',
  'store lost',
  'back to a snapshot',
];

describe('a system that keeps its promises', () => {
  test('nothing is found, whatever it goes through', async () => {
    const lived = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 500 }), async (seed, steps) => {
        const scene = await healthyScene(seed, steps);
        for (const [what, count] of scene.world.counts) lived.set(what, (lived.get(what) ?? 0) + count);
        assert.deepEqual((await checkScene(scene)).findings, []);
      }),
      { numRuns: 200 },
    );
    assert.deepEqual(
      LIVED_THROUGH.filter((what) => !lived.has(what)),
      [],
    );
  });
});
