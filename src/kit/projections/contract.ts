/**
 * What every ProjectionStore has to do, as a suite for node:test. An adapter's test file calls `projectionStoreContract`
 * with a way to open stores; everything else is here.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isKitError } from '../errors.ts';
import { deltaCases } from './contract-deltas.ts';
import { collect, expectedDocuments, randomBatches } from './contract-model.ts';
import {
  type ContractTest,
  effect,
  like,
  numbered,
  type OpenStore,
  Owner,
  P0,
  P1,
  parkedAt,
  type StoreFixture,
} from './contract-owner.ts';
import type { Delta, ProjectionStore } from './projection-store.ts';

export function projectionStoreContract(name: string, fixture: StoreFixture): void {
  const test: ContractTest = (title, body) =>
    it(title, async (t) => {
      const place = await fixture(t);
      if (place === undefined) return;
      const opened: ProjectionStore[] = [];
      const open: OpenStore = async (storeName, window) => {
        const store = await place(storeName, window);
        opened.push(store);
        return store;
      };
      try {
        await body(open, t);
      } finally {
        for (const store of opened) await store.close();
      }
    });

  describe(`${name}: projection store contract`, () => {
    describe('fence', () => {
      test('a first claim has no position, and each claim raises the epoch', async (open) => {
        const store = await open('engagement');
        const first = await store.claim(P0);
        assert.deepEqual([first.next, first.parked], [null, []]);
        const second = await store.claim(P0);
        assert.ok(second.epoch > first.epoch);
        const reopened = await (await open('engagement')).claim(P0);
        assert.ok(reopened.epoch > second.epoch);
      });

      test('an owner is fenced by a later claim, and changes nothing', async (open) => {
        const old = await Owner.of(await open('engagement'));
        const young = await Owner.of(await open('engagement'));
        const outcome = await old.store.apply(old.batch({ effects: [effect(0, 'a', like('post'))] }));
        assert.deepEqual(outcome, { status: 'fenced', epoch: young.epoch });
        assert.equal(await old.store.get('post'), null);
        await young.apply({ effects: [effect(0, 'a', like('post'))] });
        assert.deepEqual(await old.store.get('post'), { likes: 1 });
      });

      test('an epoch that was never given is fenced', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        for (const epoch of [0, owner.epoch + 1]) {
          const outcome = await owner.store.apply(owner.batch({ epoch }));
          assert.deepEqual(outcome, { status: 'fenced', epoch: owner.epoch });
        }
        const unclaimed = await owner.store.apply(owner.batch({ topic: 'unclaimed' }));
        assert.deepEqual(unclaimed, { status: 'fenced', epoch: 0 });
      });

      test('another position than expected is a mismatch that tells the position', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        const first = owner.batch({ effects: [effect(0, 'a', like('post'))] });
        assert.equal((await owner.store.apply(first)).status, 'ok');
        assert.deepEqual(await owner.store.apply(first), { status: 'mismatch', next: 1 });
        assert.deepEqual(await owner.store.apply({ ...first, expect: 7 }), { status: 'mismatch', next: 1 });
        assert.deepEqual(await owner.store.get('post'), { likes: 1 });
        const other = await Owner.of(owner.store, P1);
        assert.deepEqual(await other.store.apply(other.batch({ expect: 0 })), { status: 'mismatch', next: null });
      });

      test('of two owners that claim and apply in turns, every record is applied once', async (open) => {
        const owners = [new Owner(await open('engagement')), new Owner(await open('engagement'))];
        const records = 60;
        await Promise.all(
          owners.map(async (owner, index) => {
            await owner.claim();
            for (let turn = 1; (owner.next ?? 0) < records; turn++) {
              assert.ok(turn < 10_000, 'no progress');
              const at = owner.next ?? 0;
              const outcome = await owner.store.apply(owner.batch({ effects: [effect(at, null, like('post'))] }));
              if (outcome.status === 'ok') owner.next = at + 1;
              else {
                // Uneven pauses: two that claim in step would fence each other for ever.
                for (let pause = (turn * (3 + 4 * index)) % 5; pause > 0; pause--) await setImmediate();
                await owner.claim();
              }
            }
          }),
        );
        assert.deepEqual(await owners[0]!.store.get('post'), { likes: records });
      });
    });

    describe('documents', () => {
      test('counters add up, texts keep the greater in byte order', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        await owner.apply({
          effects: [
            effect(0, 'a', { key: 'post', add: { likes: 2, views: 5 }, max: { last: '2026-01-02T00:00:00Z' } }),
            effect(1, 'b', { key: 'post', add: { likes: -3 }, max: { last: '2026-01-01T00:00:00Z' } }, like('other')),
          ],
        });
        const first = { last: '2026-01-02T00:00:00Z', likes: -1, views: 5 };
        assert.deepEqual(await owner.store.get('post'), first);
        const later = { last: '2026-01-03T00:00:00Z', emoji: '\u{1F600}', text: 'B' };
        await owner.apply({ effects: [effect(2, 'c', { key: 'post', add: { likes: 0 }, max: later })] });
        const smaller = { last: '2026-01-02T23:59:59Z', emoji: '\uFF5E', text: 'a' };
        await owner.apply({ effects: [effect(3, 'd', { key: 'post', max: smaller })] });
        assert.deepEqual(await owner.store.get('post'), { ...first, ...later, text: 'a' });
        assert.deepEqual(await owner.store.get('other'), { likes: 1 });
        assert.equal(await owner.store.get('none'), null);
      });

      test('a delta without fields makes no document', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        await owner.apply({ effects: [effect(0, 'a', { key: 'post' }, { key: 'post', add: {}, max: {} })] });
        assert.deepEqual(await collect(owner.store), []);
      });

      test('they come in byte order of their keys with sorted fields, whatever order they were made in', async (open) => {
        const keys = ['b', 'a', 'a/b', 'Z', 'é', '\u{1F600}', '\uFF5E', '10', '9', ...numbered(700)];
        const names = ['views', '\u{1F600}', '\uFF5E', 'likes', 'Zeta'];
        const build = async (store: ProjectionStore, order: readonly string[], fields: readonly string[]) => {
          const owner = await Owner.of(store);
          const add = Object.fromEntries(fields.map((field) => [field, 1]));
          await owner.apply({ effects: order.map((key, at) => effect(at, null, { key, add })) });
          return JSON.stringify(await collect(store));
        };
        const one = await build(await open('one'), keys, names);
        const two = await build(await open('two'), keys.toReversed(), names.toReversed());
        assert.equal(one, two);
        const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const parsed = JSON.parse(one) as [string, Record<string, number>][];
        assert.deepEqual(
          parsed.map(([key]) => key),
          sorted,
        );
        assert.deepEqual(Object.keys(parsed[0]![1]), ['Zeta', 'likes', 'views', '\uFF5E', '\u{1F600}']);
      });

      test('keys are listed by prefix, page by page, each at least once', async (open) => {
        const odd = [
          'a',
          'a/',
          'a/\u{10FFFF}',
          'a/\uD7FF',
          'a0',
          'A/1',
          '*',
          '*a',
          '[a',
          '?',
          'a\\b',
          '\u{1F600}x',
          '\u{10FFFF}x',
        ];
        const keys = [...odd, ...numbered(1_500).map((key) => `a/${key}`)];
        const owner = await Owner.of(await open('engagement'));
        await (await Owner.of(await open('engagement-v2'))).apply({ effects: [effect(0, null, like('a/elsewhere'))] });
        await owner.apply({ effects: keys.map((key, at) => effect(at, null, like(key))) });
        const all = async (prefix: string, limit: number): Promise<string[]> => {
          const found = new Set<string>();
          for (let page = await owner.store.keys({ prefix, limit }); ; ) {
            assert.ok(page.keys.length < limit + 1_000);
            for (const key of page.keys) found.add(key);
            if (page.cursor === null) return [...found].sort();
            page = await owner.store.keys({ prefix, limit, cursor: page.cursor });
          }
        };
        for (const prefix of [
          '',
          'a/',
          'a',
          'a/n149',
          '*',
          '[',
          '?',
          'a\\',
          'a/\uD7FF',
          '\u{1F600}',
          '\u{10FFFF}',
          'none',
        ]) {
          const expected = keys.filter((key) => key.startsWith(prefix)).sort();
          for (const limit of [100, 1_000])
            assert.deepEqual(await all(prefix, limit), expected, `${prefix} by ${limit}`);
        }
      });

      test('keys and fields may hold any character', async (open) => {
        const odd = [
          'a/b',
          '../..',
          'a.b',
          'a b',
          '{x}',
          '*',
          '[a-z]?',
          '\\',
          '"',
          "'",
          '`',
          ':',
          '%s',
          'ñ',
          '日本',
          '\n',
        ];
        const names = [...odd, '\u{1F600}', '__proto__', 'constructor', '__state:content-interactions:0', '-1', '007'];
        const owner = await Owner.of(await open('engagement'));
        const fields = (at: number) => Object.fromEntries([[names[at]!, at]]);
        await owner.apply({ effects: names.map((key, at) => effect(at, key, { key, add: fields(at) })) });
        for (const [at, key] of names.entries()) {
          assert.equal(JSON.stringify(await owner.store.get(key)), JSON.stringify(fields(at)), key);
        }
        assert.equal((await collect(owner.store)).length, names.length);
      });

      test('what no store can keep is refused with INVALID_DELTA, and the batch changes nothing', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        await owner.apply({
          effects: [effect(0, 'a', { key: 'post', add: { big: Number.MAX_SAFE_INTEGER, n: 1 }, max: { t: 'x' } })],
        });
        const before = JSON.stringify([await collect(owner.store), await owner.store.partitions()]);
        const invalid: Delta[] = [
          { key: 'post', add: { n: 0.5 } },
          { key: 'post', add: { n: Number.NaN } },
          { key: 'post', add: { n: 2 ** 53 } },
          { key: 'post', add: { big: 1 } },
          { key: 'post', add: { t: 1 } },
          { key: 'post', max: { n: 'x' } },
          { key: 'post', max: { t: '42' } },
          { key: 'post', max: { t: '-007' } },
          { key: 'post', add: { z: 1 }, max: { z: 'x' } },
          { key: 'post', max: { t: '\uD800' } },
          { key: '', add: { n: 1 } },
          { key: '\uD800', add: { n: 1 } },
          { key: 'post', add: { '': 1 } },
          { key: 'post', max: { '': 'x' } },
        ];
        for (const delta of invalid) {
          const effects = [effect(1, 'b', like('new'), like('post')), effect(2, 'c', delta)];
          await assert.rejects(
            owner.store.apply(owner.batch({ effects, park: [parkedAt(3)], dead: 1 })),
            (error) => isKitError(error, 'INVALID_DELTA') && !error.retriable,
            JSON.stringify(delta),
          );
          assert.equal(JSON.stringify([await collect(owner.store), await owner.store.partitions()]), before);
        }
        assert.deepEqual((await owner.claim()).parked, []);
        assert.deepEqual(await owner.apply({ effects: [effect(1, 'b', like('post')), effect(2, 'c')] }), []);
      });

      test('a batch of 5,000 effects', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        const wide = Object.fromEntries(numbered(5_000).map((field) => [field, 1]));
        const effects = numbered(5_000).map((id, at) =>
          at === 0
            ? effect(at, id, { key: 'wide', add: wide })
            : effect(at, id, like(`post_${at % 4_500}`), like('hot')),
        );
        const park = numbered(5_000).map((_, at) => parkedAt(5_000 + at));
        await owner.apply({ effects, park });
        assert.deepEqual(await owner.store.get('hot'), { likes: 4_999 });
        assert.equal(Object.keys((await owner.store.get('wide'))!).length, 5_000);
        assert.equal((await collect(owner.store)).length, 4_502);
        const again = await owner.apply({ effects, unpark: park.map(({ offset }) => offset) });
        assert.equal(again.length, 5_000);
        assert.equal((await owner.store.partitions())[0]!.parked, 0);
      });
    });

    deltaCases(test);

    describe('de-duplication', () => {
      test('an id counts once in a batch, across batches and after reopening', async (open) => {
        const store = await open('engagement');
        const owner = await Owner.of(store);
        const three = [effect(0, 'a', like('post')), effect(1, 'a', like('post')), effect(2, 'b', like('post'))];
        assert.deepEqual(await owner.apply({ effects: three }), [1]);
        assert.deepEqual(await owner.apply({ effects: [effect(3, 'b', like('post')), effect(4, 'c')] }), [3]);
        await store.close();
        const reopened = await Owner.of(await open('engagement'));
        assert.deepEqual(await reopened.apply({ effects: [effect(5, 'a', like('post')), effect(6, 'c')] }), [5, 6]);
        assert.deepEqual(await reopened.store.get('post'), { likes: 2 });
        const [state] = await reopened.store.partitions();
        assert.deepEqual(state!.tallies, { applied: 3, duplicates: 4, dead: 0 });
      });

      test('an event without an id is never a duplicate', async (open) => {
        const owner = await Owner.of(await open('engagement'));
        const effects = [effect(0, null, like('post')), effect(1, null, like('post')), effect(2, '', like('post'))];
        assert.deepEqual(await owner.apply({ effects }), []);
        assert.deepEqual(await owner.apply({ effects }), [2]);
        assert.deepEqual(await owner.store.get('post'), { likes: 5 });
      });

      test('partitions keep their ids apart', async (open) => {
        const store = await open('engagement');
        const owners = [await Owner.of(store, P0), await Owner.of(store, P1)];
        for (const owner of owners)
          assert.deepEqual(await owner.apply({ effects: [effect(0, 'a', like('post'))] }), []);
        assert.deepEqual(await store.get('post'), { likes: 2 });
      });

      test('an id is forgotten when its time in the window is over', async (open) => {
        const owner = await Owner.of(await open('engagement', { windowMs: 100, maxIdsPerPartition: 1_000 }));
        const at = async (now: number, id: string) =>
          (await owner.apply({ now, effects: [effect(owner.next ?? 0, id)] })).length === 1;
        assert.equal(await at(1_000, 'a'), false);
        assert.equal(await at(1_050, 'b'), false);
        assert.equal(await at(1_099, 'a'), true, 'seen again, which does not lengthen its time');
        assert.equal(await at(1_100, 'a'), false, 'new again');
        assert.equal(await at(1_149, 'b'), true);
        assert.equal(await at(1_199, 'a'), true);
        assert.equal(await at(1_200, 'b'), false);
        assert.equal(await at(1_200, 'a'), false);
      });

      test('over the cap, the oldest ids go first', async (open) => {
        const owner = await Owner.of(await open('engagement', { windowMs: 1_000_000, maxIdsPerPartition: 30 }));
        for (let batch = 0; batch < 20; batch++) {
          const ids = numbered(10).map((id, at) => effect(batch * 10 + at, `${batch}-${id}`));
          assert.deepEqual(await owner.apply({ now: batch, effects: ids }), []);
        }
        const again = numbered(10).flatMap((id, at) =>
          [16, 17, 18, 19].map((batch) => effect(at * 4 + batch, `${batch}-${id}`)),
        );
        const duplicates = await owner.apply({ now: 20, effects: again });
        assert.equal(duplicates.length, 30, 'the last three batches are known, the one before is not');
        assert.ok(duplicates.every((offset) => offset % 4 !== 0));
      });
    });

    describe('parking and tallies', () => {
      test('records are parked, replaced by offset, unparked, and come back sorted with a claim', async (open) => {
        const store = await open('engagement');
        const owner = await Owner.of(store);
        const reason = 'Redis said "später" {\u{1F600}}';
        await owner.apply({ park: [parkedAt(10), parkedAt(9), parkedAt(2, { attempts: 1, reason })], next: 11 });
        const head = parkedAt(2, { attempts: 2, dueAt: 9_000, reason });
        await owner.apply({ park: [head, parkedAt(100)], next: 101 });
        assert.equal((await store.partitions())[0]!.parked, 4);
        assert.deepEqual(await store.parked(P0), [head, parkedAt(9), parkedAt(10), parkedAt(100)]);
        assert.deepEqual(await store.parked({ ...P0, partition: 7 }), []);
        await owner.apply({ unpark: [9], effects: [effect(9, 'a', like('post'))], next: 101 });
        await store.close();
        const claim = await (await open('engagement')).claim(P0);
        assert.deepEqual(claim.parked, [head, parkedAt(10), parkedAt(100)]);
        assert.equal(claim.next, 101);
      });

      test('every record before the position is applied, a duplicate, dead or parked', async (open) => {
        const store = await open('engagement');
        const owner = await Owner.of(store);
        const balanced = async () => {
          const [{ next, tallies, parked } = assert.fail('no partition')] = await store.partitions();
          assert.equal(tallies.applied + tallies.duplicates + tallies.dead + parked, next);
          return [tallies.applied, tallies.duplicates, tallies.dead, parked];
        };
        await owner.apply({ effects: [effect(0, 'a'), effect(1, 'a')], park: [parkedAt(2), parkedAt(3)], dead: 2 });
        assert.deepEqual(await balanced(), [1, 1, 2, 2]);
        await owner.apply({ effects: [effect(2, 'b'), effect(6, 'c')], unpark: [2] });
        assert.deepEqual(await balanced(), [3, 1, 2, 1]);
        await owner.apply({ unpark: [3], dead: 1 });
        assert.deepEqual(await balanced(), [3, 1, 3, 0]);
      });

      test('partitions are listed with their state, in order', async (open) => {
        const store = await open('engagement');
        const second = await Owner.of(store, P1);
        const first = await Owner.of(store, P0);
        const other = await Owner.of(store, { topic: 'Another.topic_1', partition: 10 });
        await first.apply({ effects: [effect(0, 'a')], dead: 3, park: [parkedAt(4)] });
        const none = { tallies: { applied: 0, duplicates: 0, dead: 0 }, parked: 0, next: null };
        assert.deepEqual(await store.partitions(), [
          { topic: 'Another.topic_1', partition: 10, epoch: other.epoch, ...none },
          { ...P0, epoch: first.epoch, next: 5, tallies: { applied: 1, duplicates: 0, dead: 3 }, parked: 1 },
          { ...P1, epoch: second.epoch, ...none },
        ]);
      });
    });

    describe('whole', () => {
      test('projections of two names are apart', async (open) => {
        const one = await Owner.of(await open('engagement'));
        const two = await Owner.of(await open('engagement-2'));
        await one.apply({ effects: [effect(0, 'a', like('post'))], park: [parkedAt(1)] });
        assert.equal(await two.store.get('post'), null);
        assert.deepEqual(await two.apply({ effects: [effect(0, 'a', like('post'), like('more'))] }), []);
        await two.store.clear();
        assert.deepEqual(await collect(one.store), [['post', { likes: 1 }]]);
        assert.deepEqual([(await one.claim()).next, (await two.claim()).next], [2, null]);
      });

      test('clear forgets everything but epochs', async (open) => {
        const store = await open('engagement');
        const owner = await Owner.of(store);
        await owner.apply({ effects: [effect(0, 'a', like('post')), effect(1, 'a')], park: [parkedAt(2)], dead: 1 });
        await store.clear();
        assert.deepEqual(await collect(store), []);
        const tallies = { applied: 0, duplicates: 0, dead: 0 };
        assert.deepEqual(await store.partitions(), [{ ...P0, epoch: owner.epoch, next: null, tallies, parked: 0 }]);
        assert.deepEqual(await store.apply(owner.batch({})), { status: 'mismatch', next: null });
        const claim = await owner.claim();
        assert.deepEqual([claim.next, claim.parked], [null, []]);
        assert.deepEqual(await owner.apply({ effects: [effect(0, 'a', like('post'))] }), []);
        assert.deepEqual(await store.get('post'), { likes: 1 });
      });

      test('random batches, repeated and retried at random, equal a fold made apart', async (open, t) => {
        for (let seed = 1; seed <= 18; seed++) {
          t.diagnostic(`seed ${seed}`);
          const run = randomBatches(seed, seed <= 12 ? 'narrow' : 'wide');
          let store = await open(`fold-${seed}`);
          const owner = await Owner.of(store);
          for (const step of run.steps) {
            const batch = owner.batch(step.batch);
            await owner.apply(step.batch);
            if (step.retried) assert.deepEqual(await store.apply(batch), { status: 'mismatch', next: batch.next });
            if (step.reopened) {
              await store.close();
              store = await open(`fold-${seed}`);
              const { next } = await new Owner(store).claim();
              assert.equal(next, batch.next);
              Object.assign(owner, await Owner.of(store));
            }
          }
          const expected = expectedDocuments(run.steps);
          assert.equal(JSON.stringify(await collect(store)), JSON.stringify(expected.documents), `seed ${seed}`);
          assert.deepEqual((await store.partitions())[0]!.tallies, expected.tallies, `seed ${seed}`);
        }
      });

      test('close may be repeated', async (open) => {
        const store = await open('engagement');
        await store.close();
        await store.close();
      });
    });
  });
}
