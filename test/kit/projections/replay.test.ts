import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKitError } from '../../../src/kit/errors.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import type { Document } from '../../../src/kit/projections/projection-store.ts';
import { DEFAULT_REPLAY_LIMITS, type Fate, Replay, type ReplayLimits } from '../../../src/kit/projections/replay.ts';
import { compareDocuments } from '../../../src/kit/projections/replay-compare.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const TOPIC = 'facts';
const HOUR = 3_600_000;
const never = new AbortController().signal;
const applied = (): Fate => 'applied';

interface Fact {
  readonly id: string;
  readonly key: string;
}

async function scene(
  facts: readonly (readonly [id: string, key: string, timestamp: number])[],
  limits?: Partial<ReplayLimits>,
) {
  const log = await EmbeddedLog.open({ directory: null });
  await log.createTopics([{ name: TOPIC, partitions: 2 }]);
  const records = facts.map(([id, key, timestamp]) => {
    return { key: Buffer.from(key), value: Buffer.from(`${id} ${key}`), headers: [], timestamp };
  });
  await log.append({ topic: TOPIC, partition: 0, records });
  const store = new MemoryStore('p');
  const source = {
    log,
    codec: {
      decode: ({ value }: { readonly value: Buffer | null }) => {
        const [id, key] = value!.toString().split(' ') as [string, string];
        if (key === 'poison') throw new Error('poison');
        return { ok: true as const, event: { id, key }, id };
      },
    },
    project: ({ key }: Fact) => {
      if (key === 'bug') throw new Error('a bug');
      return [{ key, add: { n: 1 } }];
    },
  };
  const replay = new Replay(store, source, { ...DEFAULT_REPLAY_LIMITS, ...limits });
  const end = { topic: TOPIC, partition: 0, offset: facts.length };
  return { log, store, replay, end, [Symbol.asyncDispose]: () => log.close() };
}

describe('a replay', () => {
  it('goes to the positions it is told, in as many passes as it is told', async () => {
    await using at = await scene([
      ['1', 'a', 1],
      ['2', 'b', 2],
      ['3', 'a', 3],
    ]);
    await at.replay.advance([{ ...at.end, offset: 2 }], applied, never);
    assert.equal(at.replay.next(at.end), 2);
    await at.replay.advance([at.end], applied, never);
    await at.replay.advance([at.end], applied, never);
    assert.deepEqual([at.replay.folded, await at.store.get('a')], [3, { n: 2 }]);
    const [state] = await at.store.partitions();
    assert.deepEqual([state!.next, state!.tallies], [3, { applied: 3, duplicates: 0, dead: 0 }]);
  });

  it('gives up, parks and settles as the projection did where it lives', async () => {
    await using at = await scene([
      ['1', 'a', 1],
      ['2', 'b', 2],
      ['3', 'poison', 3],
      ['4', 'c', 4],
      ['5', 'd', 5],
    ]);
    const waits = { offset: 1, key: 'b', attempts: 1, dueAt: 9, firstFailedAt: 8, reason: 'later' };
    const others = [3, 4].map((offset) => ({ ...waits, offset }));
    const parked = new Map([waits, ...others].map((record) => [record.offset, record]));
    const fates = (place: { readonly offset: number }): Fate => {
      const record = parked.get(place.offset);
      if (record !== undefined) return { waits: record };
      return place.offset === 0 || place.offset === 3 ? 'dead' : 'applied';
    };
    await at.replay.advance([at.end], fates, never);
    assert.deepEqual(await at.store.parked(at.end), [waits, ...others]);
    // meanwhile the first is tried again, the second is given up, the third has its effect
    const again = { ...waits, attempts: 2 };
    parked.delete(3);
    parked.delete(4);
    await at.replay.settle(at.end, [again], fates);
    assert.deepEqual(await at.store.parked(at.end), [again]);
    const [state] = await at.store.partitions();
    assert.deepEqual(state!.tallies, { applied: 1, duplicates: 0, dead: 3 });
    assert.deepEqual([await at.store.get('c'), await at.store.get('d')], [null, { n: 1 }]);
  });

  it('counts what came twice once, by the time of the records and not of the replay', async () => {
    await using at = await scene([
      ['1', 'a', HOUR],
      ['1', 'a', 24 * HOUR],
      ['2', 'b', 25 * HOUR],
      ['1', 'a', 26 * HOUR],
    ]);
    await at.replay.advance([at.end], applied, never);
    assert.deepEqual(await at.store.get('a'), { n: 2 });
    const [state] = await at.store.partitions();
    assert.equal(state!.tallies.duplicates, 1);
  });

  it('names the record that the function cannot take', async () => {
    await using at = await scene([
      ['1', 'a', 1],
      ['2', 'bug', 2],
    ]);
    await assert.rejects(at.replay.advance([at.end], applied, never), (error) => {
      assert.ok(isKitError(error, 'REBUILD_FAILED'));
      assert.deepEqual(error.details, { topic: TOPIC, partition: 0, offset: 1 });
      return true;
    });
  });

  it('tells when the store is further than it should be, or the log is not there', async () => {
    await using at = await scene([
      ['1', 'a', 1],
      ['2', 'a', 2],
    ]);
    await assert.rejects(at.replay.advance([{ ...at.end, offset: 9 }], applied, never), (error) =>
      isKitError(error, 'REBUILD_LOST'),
    );
    await at.replay.advance([at.end], applied, never);
    await assert.rejects(at.replay.advance([{ ...at.end, offset: 1 }], applied, never), (error) =>
      isKitError(error, 'REBUILD_LOST'),
    );
  });

  it('stops where it is told to', async () => {
    await using at = await scene(
      Array.from({ length: 50 }, (_, n) => [`${n}`, 'a', n] as const),
      { chunkRecords: 10 },
    );
    const stop = new AbortController();
    const fates = ({ offset }: { readonly offset: number }): Fate => {
      if (offset === 25) stop.abort(new Error('enough'));
      return 'applied';
    };
    await assert.rejects(at.replay.advance([at.end], fates, stop.signal), /enough/);
    assert.deepEqual(await at.store.get('a'), { n: 30 });
  });
});

describe('a comparison of documents', () => {
  async function* documents(all: Readonly<Record<string, Document>>): AsyncGenerator<readonly [string, Document]> {
    yield* Object.entries(all);
  }

  it('finds what is only here, only there, or another', async () => {
    const live = { a: { n: 1 }, b: { n: 1 }, d: { n: 1 } };
    const rebuilt = { b: { n: 2 }, c: { n: 1 }, d: { n: 1 }, e: { n: 5 } };
    const found = await compareDocuments(documents(live), documents(rebuilt), { limit: 3 });
    assert.deepEqual(found, {
      compared: 5,
      differing: 4,
      differences: [
        { key: 'a', live: { n: 1 }, rebuilt: null },
        { key: 'b', live: { n: 1 }, rebuilt: { n: 2 } },
        { key: 'c', live: null, rebuilt: { n: 1 } },
      ],
    });
  });
});
