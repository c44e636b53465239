/**
 * Random scripts over the whole consuming half: flaky, poisonous and duplicate events on several partitions, a store and a
 * log that fail now and then, members that come, go, and are thrown out. At the end the books must balance.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RunningConsumer } from '../../../src/kit/consumers/run.ts';
import { MemoryStore, type StoreFault } from '../../support/memory-store.ts';
import { type Fate, Harness, publish, type Thing, TOPIC } from './harness.ts';

const PARTITIONS = 3;

const fate = fc.constantFrom<Fate>('ack', 'ack', 'async', 'retry', 'throw', 'dead', 'refused');
const thing = fc.oneof(
  { weight: 9, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c'), fates: fc.array(fate, { maxLength: 7 }) }) },
  { weight: 1, arbitrary: fc.constant('poison' as const) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom('x', 'y'), key: fc.constant('a') }) },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      partition: fc.nat(PARTITIONS - 1),
      things: fc.array(thing, { maxLength: 30 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      faults: fc.array(fc.constantFrom<StoreFault>('before', 'after', null), { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage' as const), ms: fc.nat(10_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expel' as const), discovered: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const) }) },
);

test('applied + duplicates + dead = log, once each and in order per key, whatever happens', async () => {
  const script = fc.array(step, { minLength: 5, maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(script, fc.integer(), async (steps, seed) => {
      const h = new Harness(PARTITIONS);
      let draw = seed >>> 0;
      const random = () => {
        draw = (Math.imul(draw, 1_664_525) + 1_013_904_223) >>> 0;
        return draw / 2 ** 32;
      };
      const limits = { maxChunkRecords: 7, parking: { maxPerKey: 5, maxPerPartition: 12 } };
      let faults: StoreFault[] = [];
      const running: RunningConsumer[] = [];
      const start = async () => {
        const store = new MemoryStore('things', h.data);
        store.fault = () => faults.shift() ?? null;
        running.push(await h.start({ store, limits, random }));
      };
      await start();
      for (const action of steps) {
        if (action.kind === 'publish') {
          const own = action.things.map((t): Partial<Thing> | 'poison' =>
            t === 'poison' ? t : { ...t, key: `${t.key}${action.partition}` },
          );
          await publish(h.log, action.partition, ...own);
        }
        if (action.kind === 'wait') await h.clock.advance(action.ms);
        if (action.kind === 'fault') faults = [...action.faults];
        if (action.kind === 'lose') h.data.lose();
        if (action.kind === 'start' && running.length < 3) await start();
        if (action.kind === 'stop' && running.length > 1) await h.stop(running.shift()!);
        if (action.kind === 'outage') {
          h.log.down = true;
          await h.clock.advance(action.ms);
          h.log.recover();
        }
        if (action.kind === 'expel') {
          const group = h.log.group('g');
          const member = group.members[0];
          if (member === undefined || group.members.length < 2) continue;
          await h.drive(group.expel(member));
          await h.clock.advance(500);
          if (action.discovered && !group.members.includes(member) && !member.left) {
            await h.drive(group.discover(member));
          }
        }
      }
      faults = [];
      await h.clock.advance(60_000);
      for (const consumer of running) await h.caughtUp(consumer);

      const { applied, duplicates, parked, dead, log } = await h.balance();
      assert.equal(parked, 0);
      assert.equal(applied + duplicates + dead, log);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const records = h.log.records({ topic: TOPIC, partition });
        const offsets = h.offsets(partition);
        assert.equal(new Set(offsets).size, offsets.length, 'an effect was applied twice');
        const byKey = Map.groupBy(offsets, (offset) => String(records[offset]!.key));
        for (const [key, own] of byKey)
          assert.deepEqual(
            own,
            own.toSorted((a, b) => a - b),
            `order of ${key}`,
          );
        for (const key of ['a', 'b', 'c'].map((k) => `${k}${partition}`)) {
          const document = await h.store.get(key);
          assert.equal(document?.count ?? 0, byKey.get(key)?.length ?? 0, `the count of ${key}`);
        }
      }
      for (const consumer of running) await h.stop(consumer);
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 60) },
  );
});
