/** The contract of the deltas that go beyond `add` and `max`. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { isKitError } from '../errors.ts';
import { collect, mulberry32 } from './contract-model.ts';
import { type ContractTest, effect, numbered, type OpenStore, Owner, P0, P1 } from './contract-owner.ts';
import type { Delta, Document, ProjectionStore } from './projection-store.ts';
import { topOf } from './space-saving.ts';

export function deltaCases(test: ContractTest): void {
  describe('getMany', () => {
    test('gives documents in the order of the keys, null where there is none', async (open) => {
      const owner = await Owner.of(await open('engagement'));
      const keys = ['b', 'a', '\u{1F600}'];
      await owner.apply({ effects: keys.map((key, at) => effect(at, key, { key, add: { at } })) });
      await owner.apply({ effects: [effect(3, 'd', { key: 'kept', keep: 1, max: { x: 'a', y: 'b' } })] });
      assert.deepEqual(await owner.store.getMany(['a', 'none', 'b', 'kept', 'a', '\u{1F600}']), [
        { at: 1 },
        null,
        { at: 0 },
        { y: 'b' },
        { at: 1 },
        { at: 2 },
      ]);
      assert.deepEqual(await owner.store.getMany([]), []);
    });

    test('10,000 at once, and no more', async (open) => {
      const owner = await Owner.of(await open('engagement'));
      const keys = numbered(10_000);
      await owner.apply({ effects: [effect(0, null, ...keys.slice(0, 100).map((key) => ({ key, add: { n: 1 } })))] });
      const documents = await owner.store.getMany(keys);
      assert.equal(documents.length, 10_000);
      assert.equal(documents.filter((document) => document !== null).length, 100);
      await assert.rejects(owner.store.getMany([...keys, 'more']), (error) => isKitError(error, 'INVALID_ARGUMENT'));
    });
  });

  describe('keep', () => {
    const kept = (keep: number, max: Record<string, string>): Delta => ({ key: 'doc', keep, max });

    test('the greatest stay, of equal values the greater names', async (open) => {
      const owner = await Owner.of(await open('feed'));
      await owner.apply({
        effects: [effect(0, null, kept(2, { a: '1x', b: '1x', '\uFF5E': '1x', '\u{1F600}': '1x' }))],
      });
      assert.deepEqual(await owner.store.get('doc'), { '\uFF5E': '1x', '\u{1F600}': '1x' });
      await owner.apply({ effects: [effect(1, null, kept(2, { a: '\u{1F600}', b: '\uFF5E', c: 'é' }))] });
      assert.deepEqual(await owner.store.get('doc'), { a: '\u{1F600}', b: '\uFF5E' });
      await owner.apply({ effects: [effect(2, null, kept(2, { c: '\u{1F600}!', a: 'z' }))] });
      assert.deepEqual(await owner.store.get('doc'), { a: '\u{1F600}', c: '\u{1F600}!' });
      const expected = [['doc', { a: '\u{1F600}', c: '\u{1F600}!' }]];
      assert.deepEqual(await collect(owner.store), expected);
      assert.deepEqual(await collect(await open('feed')), expected);
    });

    test('a value within a value, and a zero byte, are in byte order too', async (open) => {
      const owner = await Owner.of(await open('feed'));
      const values = ['a', 'a\0', 'a\0\0', 'a\0b', 'a\x01', 'a!', 'b'];
      const fields = Object.fromEntries(values.map((value, at) => [`f${at}`, value]));
      for (let keep = 1; keep < values.length; keep++) {
        const key = `doc${keep}`;
        // In two, so that one adapter's second write finds more than it keeps.
        for (const part of [0, 1]) {
          const max = Object.fromEntries(Object.entries(fields).filter((_, at) => at % 2 === part));
          await owner.apply({ effects: [effect(0, null, { key, keep, max })] });
        }
        const expected = Object.fromEntries(Object.entries(fields).slice(-keep));
        assert.deepEqual(await owner.store.get(key), expected, `keep ${keep}`);
      }
    });

    test('exact at every moment, whatever is stored beyond', async (open) => {
      const store = await open('feed');
      const owner = await Owner.of(store);
      const all = new Map<string, string>();
      const random = mulberry32(7);
      for (let round = 0; round < 60; round++) {
        const max = Object.fromEntries(
          Array.from({ length: 1 + Math.floor(random() * 7) }, () => [
            `f${Math.floor(random() * 60)}`,
            `v${String(Math.floor(random() * 1_000)).padStart(4, '0')}`,
          ]),
        );
        for (const [name, value] of Object.entries(max)) if (value > (all.get(name) ?? '')) all.set(name, value);
        const marks = [4, 5, 6].map((atMost) => ({
          key: `at-most-${atMost}`,
          add: { times: 1 },
          when: { fieldsOf: 'doc', atMost },
        }));
        await owner.apply({
          effects: [effect(round, null, kept(5, max), ...marks, { key: `copy${round}`, from: 'doc' })],
        });
        const greatest = [...all].sort(([a, x], [b, y]) => (x === y ? (a < b ? 1 : -1) : x < y ? 1 : -1)).slice(0, 5);
        const expected = Object.fromEntries(greatest.sort(([a], [b]) => (a < b ? -1 : 1)));
        assert.deepEqual(await store.get('doc'), expected);
        assert.deepEqual(await store.get(`copy${round}`), expected);
        if (all.size > 5) assert.notEqual((await store.get('at-most-4'))?.times, round + 1);
        assert.deepEqual(await store.get('at-most-5'), { times: round + 1 });
      }
    });
  });

  describe('period', () => {
    test('a greater one begins anew, an equal one merges, a lesser one changes nothing', async (open) => {
      const owner = await Owner.of(await open('analytics'));
      const at = async (period: string, name: string): Promise<Document | null> => {
        await owner.apply({ effects: [effect(owner.next ?? 0, null, { key: 'slot', period, add: { [name]: 1 } })] });
        return owner.store.get('slot');
      };
      assert.deepEqual(await at('14:00Z', 'likes'), { likes: 1, period: '14:00Z' });
      assert.deepEqual(await at('14:00Z', 'likes'), { likes: 2, period: '14:00Z' });
      assert.deepEqual(await at('13:59Z', 'likes'), { likes: 2, period: '14:00Z' });
      assert.deepEqual(await at('14:01Z', 'views'), { period: '14:01Z', views: 1 });
      const mixed = ['14:01Z', '14:03Z', '14:02Z', '14:03Z', '14:01Z'].map((period, n) =>
        effect(n, null, { key: 'slot', period, add: { n: 1 }, max: { last: `t${n}` } }),
      );
      await owner.apply({ effects: mixed });
      assert.deepEqual(await owner.store.get('slot'), { last: 't3', n: 2, period: '14:03Z' });
      assert.deepEqual(await collect(await open('analytics')), [['slot', { last: 't3', n: 2, period: '14:03Z' }]]);
    });
  });

  describe('top', () => {
    const count = (item: string, by = 1, capacity = 3): Delta => ({ key: 'top', top: { item, by, capacity } });

    test('the least makes room for the new, with its count as error', async (open) => {
      const owner = await Owner.of(await open('analytics'));
      await owner.apply({ effects: [effect(0, null, count('a', 5), count('b', 2), count('period', 2), count('a'))] });
      await owner.apply({ effects: [effect(1, null, count('d'))] });
      assert.deepEqual(topOf(await owner.store.get('top')), [
        { item: 'a', count: 6, error: 0 },
        { item: 'd', count: 3, error: 2 },
        { item: 'period', count: 2, error: 0 },
      ]);
      await owner.apply({ effects: [effect(2, null, count('e', 4), count('d'))] });
      assert.deepEqual(topOf(await owner.store.get('top')), [
        { item: 'a', count: 6, error: 0 },
        { item: 'e', count: 6, error: 2 },
        { item: 'd', count: 4, error: 2 },
      ]);
    });

    test('how a stream is split into batches changes nothing, and the bounds hold', async (open) => {
      const random = mulberry32(11);
      const stream = Array.from({ length: 3_000 }, () => `item-${Math.floor(300 ** random())}`);
      const exact = new Map<string, number>();
      for (const item of stream) exact.set(item, (exact.get(item) ?? 0) + 1);
      const results: string[] = [];
      for (const size of [1_000, 7, 331]) {
        const owner = await Owner.of(await open(`analytics-${size}`));
        for (let from = 0; from < stream.length; from += size) {
          const effects = stream.slice(from, from + size).map((item, n) => effect(from + n, null, count(item, 1, 20)));
          await owner.apply({ effects });
        }
        results.push(JSON.stringify(await collect(owner.store)));
        const top = topOf(await owner.store.get('top'));
        assert.equal(top.length, 20);
        for (const { item, count: counted, error } of top) {
          const truth = exact.get(item)!;
          assert.ok(counted - error <= truth && truth <= counted && error <= stream.length / 20, item);
        }
        for (const [item, truth] of exact) {
          if (truth > stream.length / 20) assert.ok(top.some((one) => one.item === item));
        }
      }
      assert.deepEqual(results, [results[0], results[0], results[0]]);
    });

    test('begins anew with a greater period', async (open) => {
      const owner = await Owner.of(await open('analytics'));
      const at = (period: string, item: string): Delta => ({ key: 'top', period, top: { item, by: 1, capacity: 2 } });
      await owner.apply({ effects: [effect(0, null, at('d1', 'a'), at('d1', 'b'), at('d1', 'c'))] });
      await owner.apply({ effects: [effect(1, null, at('d1', 'c'), at('d0', 'x'))] });
      assert.equal((await owner.store.get('top'))!.period, 'd1');
      assert.deepEqual(topOf(await owner.store.get('top')), [
        { item: 'c', count: 3, error: 1 },
        { item: 'b', count: 1, error: 0 },
      ]);
      await owner.apply({
        effects: [effect(2, null, at('d1', 'c'), at('d2', 'x'), at('d1', 'c'), at('d2', 'period'))],
      });
      const begun = [
        { item: 'period', count: 1, error: 0 },
        { item: 'x', count: 1, error: 0 },
      ];
      assert.deepEqual(topOf(await owner.store.get('top')), begun);
    });

    test('begins with many more items than are counted', async (open) => {
      const owner = await Owner.of(await open('analytics'));
      const counts = numbered(9).map(
        (item): Delta => ({ key: 'top', period: 'd1', top: { item, by: 1, capacity: 2 } }),
      );
      await owner.apply({ effects: [effect(0, null, ...counts)] });
      assert.deepEqual(await owner.store.get('top'), { period: 'd1', 'top/n7': '4 3', 'top/n8': '5 4' });
    });
  });

  describe('when, from and each', () => {
    test('a condition is on the number of fields at that moment', async (open) => {
      const owner = await Owner.of(await open('feed'));
      const mark = (name: string, when: Delta['when']): Delta => ({ key: 'marks', add: { [name]: 1 }, when: when! });
      await owner.apply({
        effects: [
          effect(0, null, mark('first', { fieldsOf: 'doc', atMost: 1 }), {
            key: 'doc',
            add: { a: 1 },
            max: { b: 'x' },
          }),
          effect(1, null, mark('two', { fieldsOf: 'doc', moreThan: 1 }), mark('none', { fieldsOf: 'no', atMost: 0 })),
          effect(2, null, { key: 'doc', max: { c: 'x' }, when: { fieldsOf: 'doc', moreThan: 1 } }),
          effect(
            3,
            null,
            mark('three', { fieldsOf: 'doc', moreThan: 2 }),
            mark('four', { fieldsOf: 'doc', moreThan: 3 }),
          ),
        ],
      });
      assert.deepEqual(await owner.store.get('marks'), { none: 1, three: 1, two: 1 });
      assert.deepEqual(await owner.store.get('doc'), { a: 1, b: 'x', c: 'x' });
    });

    test('texts of another document are merged in, numbers are not', async (open) => {
      const owner = await Owner.of(await open('feed'));
      await owner.apply({ effects: [effect(0, null, { key: 'source', add: { n: 1 }, max: { a: 'b', c: 'd' } })] });
      await owner.apply({
        effects: [
          effect(1, null, { key: 'target', from: 'source', add: { n: 7 }, max: { a: 'a', c: 'e' } }),
          effect(2, null, { key: 'kept', from: 'source', keep: 1 }, { key: 'nothing', from: 'none' }),
          effect(3, null, { key: 'source', from: 'target' }),
        ],
      });
      assert.deepEqual(await collect(owner.store), [
        ['kept', { c: 'd' }],
        ['source', { a: 'b', c: 'e', n: 1 }],
        ['target', { a: 'b', c: 'e', n: 7 }],
      ]);
    });

    test('a change is made to the documents that the fields of another name', async (open) => {
      const owner = await Owner.of(await open('feed'));
      const followers: Delta = { key: 'followers/A', max: { F: 't', G: 't', '\u{1F600}': 't' }, add: { n: 1 } };
      await owner.apply({
        effects: [
          effect(0, null, { key: 'count/', each: 'followers/A', add: { posts: 1 } }),
          effect(1, null, followers, { key: 'none/', each: 'followers/B', add: { posts: 1 } }),
          effect(2, null, { key: 'text/', each: 'followers/A', from: 'followers/A', keep: 2 }),
          effect(3, null, { key: 'top/', each: 'followers/A', top: { item: 'x', by: 2, capacity: 1 } }),
          effect(4, null, { key: 'slot/', each: 'followers/A', period: 'p1', add: { n: 1 } }),
        ],
      });
      const names = ['F', 'G', 'n', '\u{1F600}'];
      const expected = new Map<string, Document>([['followers/A', { F: 't', G: 't', n: 1, '\u{1F600}': 't' }]]);
      for (const name of names) {
        expected.set(`count/${name}`, { posts: 1 });
        expected.set(`text/${name}`, { G: 't', '\u{1F600}': 't' });
        expected.set(`top/${name}`, { 'top/x': '2 0' });
        expected.set(`slot/${name}`, { n: 1, period: 'p1' });
      }
      assert.deepEqual(new Map(await collect(owner.store)), expected);
    });

    test('no more than 100,000 documents are changed by each at a time', async (open) => {
      const owner = await Owner.of(await open('feed'));
      const followers = Object.fromEntries(numbered(9_999).map((name) => [name, 't']));
      await owner.apply({ effects: [effect(0, null, { key: 'followers', max: followers })] });
      const posts = numbered(11).map((id) => effect(1, null, { key: 'n/', each: 'followers', add: { [id]: 1 } }));
      await assert.rejects(owner.store.apply(owner.batch({ effects: posts })), (error) => {
        return isKitError(error, 'INVALID_DELTA') && error.details.key === 'followers';
      });
      assert.equal(await owner.store.get('n/n0'), null);
      await owner.apply({ effects: posts.slice(0, 1) });
      assert.equal((await collect(owner.store)).length, 10_000);
    });

    test('what a document names may be the document itself', async (open) => {
      const owner = await Owner.of(await open('feed'));
      await owner.apply({ effects: [effect(0, null, { key: 'ab', max: { b: 'x', c: 'y' } })] });
      await owner.apply({
        effects: [effect(1, null, { key: 'a', each: 'ab', max: { d: 'z' } }, { key: 'a', each: 'ab', from: 'ab' })],
      });
      assert.deepEqual(await collect(owner.store), [
        ['ab', { b: 'x', c: 'y', d: 'z' }],
        ['ac', { b: 'x', c: 'y', d: 'z' }],
        ['ad', { b: 'x', c: 'y', d: 'z' }],
      ]);
    });

    test('a batch that is sent again is a mismatch and changes nothing', async (open) => {
      const store = await open('feed');
      const owner = await Owner.of(store);
      const effects = [
        effect(0, null, { key: 'followers/A', keep: 3, max: { F: 't' } }),
        effect(1, null, { key: 'timeline/', each: 'followers/A', keep: 2, max: { p: 't' } }),
        effect(2, null, { key: 'top', top: { item: 'x', by: 1, capacity: 1 } }),
        effect(3, null, { key: 'slot', period: 'p1', add: { n: 1 } }),
      ];
      const batch = owner.batch({ effects });
      await owner.apply({ effects });
      const before = JSON.stringify(await collect(store));
      assert.deepEqual(await store.apply(batch), { status: 'mismatch', next: 4 });
      assert.equal(JSON.stringify(await collect(store)), before);
      const reopened = await open('feed');
      assert.equal(JSON.stringify(await collect(reopened)), before);
      await store.clear();
      assert.deepEqual(await collect(reopened), []);
      await owner.claim();
      await owner.apply({ effects: [effect(0, null, { key: 'slot', add: { n: 1 } })] });
      assert.deepEqual(await collect(reopened), [['slot', { n: 1 }]], 'of what was cleared not even the kind is known');
    });
  });

  test('two partitions of follows and posts come to the same documents, however their batches fall', async (open) => {
    for (let seed = 1; seed <= 6; seed++) {
      const streams = followsAndPosts(seed);
      const states: string[] = [];
      for (const order of [1, 2, 3]) {
        const store = await open(`feed-${seed}-${order}`);
        await applyInterleaved(store, streams, mulberry32(seed * 100 + order));
        states.push(JSON.stringify(await collect(store)));
      }
      assert.ok(states[0]!.includes('timeline/'));
      assert.deepEqual(states, [states[0], states[0], states[0]], `seed ${seed}`);
    }
  });

  invalidDeltaCases(test);
}

/** By partition: who follows whom, and who posts what. Nobody has more than 6 followers. */
function followsAndPosts(seed: number): readonly [Delta[][], Delta[][]] {
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const user = () => `u${below(6)}`;
  const few = (author: string) => ({ fieldsOf: `followers/${author}`, atMost: 6 });
  const event = (n: number): Delta[] => {
    const day: Delta = { key: `day/${n % 3}`, period: `d${n % 7}`, add: { events: 1 } };
    const author = user();
    if (below(2) === 0) {
      const follower = user();
      return [
        day,
        { key: `followers/${author}`, keep: 7, max: { [follower]: `f${n}` } },
        { key: `timeline/${follower}`, keep: 4, from: `posts/${author}`, when: few(author) },
      ];
    }
    const max = { [`post-${seed}-${n}`]: `p${String(n).padStart(3, '0')}` };
    return [
      day,
      { key: `posts/${author}`, keep: 4, max },
      { key: 'timeline/', each: `followers/${author}`, keep: 4, max, when: few(author) },
    ];
  };
  const stream = (first: number) => Array.from({ length: 60 }, (_, n) => event(first + n));
  return [stream(0), stream(60)];
}

async function applyInterleaved(
  store: ProjectionStore,
  streams: readonly [Delta[][], Delta[][]],
  random: () => number,
): Promise<void> {
  const owners = [await Owner.of(store, P0), await Owner.of(store, P1)];
  while (owners.some((owner, n) => (owner.next ?? 0) < streams[n]!.length)) {
    const n = random() < 0.5 ? 0 : 1;
    const from = owners[n]!.next ?? 0;
    const events = streams[n]!.slice(from, from + 1 + Math.floor(random() * 12));
    await owners[n]!.apply({ effects: events.map((deltas, at) => effect(from + at, null, ...deltas)) });
  }
}

function invalidDeltaCases(test: ContractTest): void {
  const refuses = async (open: OpenStore, invalid: readonly Delta[], byOffset: boolean) => {
    const owner = await Owner.of(await open('feed'));
    await owner.apply({
      effects: [
        effect(0, 'a', { key: 'plain', add: { n: 1 }, max: { t: 'x' } }),
        effect(1, 'b', { key: 'kept', keep: 2, max: { a: 'x', b: 'x', c: 'x' } }),
        effect(2, 'c', { key: 'slot', period: 'p1', add: { n: 1 } }),
        effect(3, 'd', { key: 'top', top: { item: 'x', by: 1, capacity: 2 } }),
        effect(4, null, { key: 'names', max: { pt: 'x' } }),
        effect(5, 'e', { key: 'top-slot', period: 'p1', top: { item: 'x', by: 1, capacity: 2 } }),
      ],
    });
    const before = JSON.stringify([await collect(owner.store), await owner.store.partitions()]);
    for (const delta of invalid) {
      const others: Delta[] = [
        { key: 'kept', keep: 2, max: { z: 'z' } },
        { key: 'slot', period: 'p2', add: { n: 1 } },
        { key: 'top', top: { item: 'y', by: 1, capacity: 2 } },
        { key: 'new/', each: 'kept', max: { z: 'z' } },
        { key: 'plain', from: 'kept' },
      ];
      await assert.rejects(
        owner.store.apply(
          owner.batch({ effects: [effect(6, 'f', ...others), effect(7, 'g', delta), effect(8, 'h', ...others)] }),
        ),
        (error) => {
          assert.ok(isKitError(error, 'INVALID_DELTA') && !error.retriable, String(error));
          if (byOffset) assert.equal(error.details.offset, 7);
          else assert.equal(typeof error.details.key, 'string');
          return true;
        },
        JSON.stringify(delta),
      );
      assert.equal(JSON.stringify([await collect(owner.store), await owner.store.partitions()]), before);
    }
    assert.deepEqual(await owner.apply({ effects: [effect(6, 'f', { key: 'plain', add: { n: 1 } })] }), []);
  };

  test('deltas that no document could take are refused by offset, and the batch changes nothing', async (open) => {
    const top = { item: 'x', by: 1, capacity: 2 };
    const max = { a: 'x' };
    await refuses(
      open,
      [
        { key: 'kept', keep: 0, max },
        { key: 'kept', keep: 10_001, max },
        { key: 'kept', keep: 1.5, max },
        { key: 'kept', keep: 2, add: { n: 1 } },
        { key: 'kept', keep: 2, period: 'p1', max },
        { key: 'kept', keep: 2, top },
        { key: 'slot', period: '', max },
        { key: 'slot', period: '2026', max },
        { key: 'slot', period: '\uD800', max },
        { key: 'slot', period: 'p1', max: { period: 'p2' } },
        { key: 'slot', period: 'p1', add: { period: 1 } },
        { key: 'slot', period: 'p1', from: 'plain' },
        { key: 'top', top, max },
        { key: 'top', top, add: { n: 1 } },
        { key: 'top', top, from: 'plain' },
        { key: 'top', top: { ...top, item: '' } },
        { key: 'top', top: { ...top, item: '\uD800' } },
        { key: 'top', top: { ...top, by: 0 } },
        { key: 'top', top: { ...top, by: 2 ** 53 } },
        { key: 'top', top: { ...top, capacity: 0 } },
        { key: 'top', top: { ...top, capacity: 10_001 } },
        { key: 'plain', max, when: { fieldsOf: '', atMost: 1 } },
        { key: 'plain', max, when: { fieldsOf: 'kept', atMost: -1 } },
        { key: 'plain', max, when: { fieldsOf: 'kept', moreThan: 0.5 } },
        { key: 'plain', from: '' },
        { key: 'plain', max, each: '\uD800' },
      ],
      true,
    );
  });

  test('a document keeps the kind and the bounds of its first change; what differs is refused', async (open) => {
    const top = { item: 'x', by: 1, capacity: 2 };
    const max = { a: 'x' };
    await refuses(
      open,
      [
        { key: 'kept', keep: 3, max },
        { key: 'kept', max },
        { key: 'plain', keep: 2, max },
        { key: 'plain', keep: 2, from: 'kept' },
        { key: 'plain', period: 'p1', max },
        { key: 'slot', max },
        { key: 'slot', period: 'p2', top },
        { key: 'top', max },
        { key: 'top', top: { ...top, capacity: 3 } },
        { key: 'top', period: 'p1', top },
        { key: 'top-slot', top },
        { key: 'top', top: { ...top, by: Number.MAX_SAFE_INTEGER } },
        { key: 'slot', period: 'p2', max: { n: 'x' } },
        { key: 'ke', each: 'names', max },
        { key: 'plain', max: { n: 'x' }, when: { fieldsOf: 'kept', atMost: 2 } },
        { key: 'top', add: { n: 1 }, when: { fieldsOf: 'kept', moreThan: 1 } },
        { key: 'kept', from: 'plain' },
      ],
      false,
    );
  });

  test('a period may read like the bounds of another kind', async (open) => {
    const owner = await Owner.of(await open('analytics'));
    const deltas: Delta[] = [
      { key: 'slot', period: 'top 5 x', add: { n: 1 } },
      { key: 'slot', period: 'x', top: { item: 'a', by: 1, capacity: 5 } },
    ];
    await assert.rejects(owner.store.apply(owner.batch({ effects: [effect(0, null, ...deltas)] })), (error) =>
      isKitError(error, 'INVALID_DELTA'),
    );
    assert.deepEqual(await collect(owner.store), []);
  });
}
