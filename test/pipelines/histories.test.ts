import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import { mentionedIdOf } from '../../src/domains/social/documents.ts';
import { SILENT } from '../../src/kit/consumers/consumer-options.ts';
import { isKitError } from '../../src/kit/errors.ts';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import { toDocument } from '../../src/kit/projections/deltas.ts';
import { DEFAULT_WINDOW, type Document } from '../../src/kit/projections/projection-store.ts';
import { FoldTurns } from '../../src/pipelines/fold-turns.ts';
import { Histories, type HistoriesLimits } from '../../src/pipelines/histories.ts';
import type { ProjectionName } from '../../src/pipelines/projection.ts';
import { STATE_AT_LIMITS } from '../../src/pipelines/state-at.ts';
import { until } from '../support/until.ts';
import { rebuildScene, type Scene } from './rebuild-scene.ts';

const never = new AbortController().signal;

interface Opened {
  readonly histories: Histories;
  /** Records that were read from the log. */
  reads(): number;
}

function historiesOf(
  t: TestContext,
  scene: Scene,
  options: {
    readonly settled?: boolean;
    readonly limits?: Partial<HistoriesLimits>;
    readonly madeBy?: string;
    /** Offsets below this are gone from every partition. */
    readonly earliest?: number;
  } = {},
): Opened {
  let reads = 0;
  const { earliest = 0 } = options;
  const log = new Proxy(scene.log as EventLog, {
    get(target, name) {
      if (name === 'listOffsets')
        return async (queries: Parameters<EventLog['listOffsets']>[0]) => {
          const ends = await target.listOffsets(queries.map((query) => ({ ...query, at: 'latest' as const })));
          const offsets = await target.listOffsets(queries);
          return offsets.map((offset, index) => Math.max(offset, Math.min(earliest, ends[index]!)));
        };
      if (name === 'read')
        return async (request: Parameters<EventLog['read']>[0]) => {
          assert.ok(request.offset >= earliest, 'nothing is read that is gone');
          const batch = await target.read(request);
          reads += batch.records.length;
          return batch;
        };
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const histories = new Histories({
    log,
    projections: scene.projections,
    codec: socialEventCodec,
    window: DEFAULT_WINDOW,
    mentionedIdOf,
    past: scene.past,
    madeBy: options.madeBy ?? 'test',
    turns: new FoldTurns(STATE_AT_LIMITS),
    logger: SILENT,
    limits: { settledMs: options.settled === false ? 60_000 : 0, ...options.limits },
  });
  t.after(() => histories.close());
  return { histories, reads: () => reads };
}

/** A moment after everything so far, and before everything to come. */
async function moment(): Promise<number> {
  const at = Date.now() + 1;
  await until(() => Date.now() >= at, { everyMs: 1 });
  return at;
}

async function someKeys(scene: Scene, name: ProjectionName, most: number): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of scene.stores[name].documents()) keys.push(key);
  const byKind = Map.groupBy(keys, (key) => /^[^/ ]*[/ ]/.exec(key)?.[0] ?? '');
  const each = Math.ceil(most / Math.max(1, byKind.size));
  return [...byKind.values()].flatMap((some) => some.slice(0, each));
}

describe('the history of a document', () => {
  it('agrees with the state at every time, and its changes add up to it', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(150, 11, 0.05);
    const moments = [await moment()];
    await scene.publish(150, 12, 0.05);
    moments.push(await moment());
    // the same events once more, as from a producer that repeats itself
    for (let partition = 0; partition < 6; partition++) {
      const place = { topic: 'content-interactions', partition };
      const { records } = await scene.log.read({ ...place, offset: 0, maxRecords: 8 });
      if (records.length === 0) continue;
      await scene.log.append({ ...place, records: records.map((record) => ({ ...record, timestamp: Date.now() })) });
    }
    await scene.publish(100, 13, 0.05);
    const settled = historiesOf(t, scene).histories;
    const unsettled = historiesOf(t, scene, { settled: false }).histories;
    const few = { changes: 60, checkpointEvery: 3, checkpoints: 8, checkpointFields: 400 };
    const forgetful = historiesOf(t, scene, { limits: few }).histories;
    await scene.consume();
    await scene.quiet();
    // between two records that were appended together, too
    const { records } = await scene.log.read({ topic: 'content-interactions', partition: 0, offset: 0 });
    for (const share of [0.7, 0.3, 0.8]) moments.push(records[Math.floor(share * records.length)]!.timestamp);

    const names = scene.projections.map(({ name }) => name);
    const keys = new Map<ProjectionName, string[]>();
    for (const name of names) keys.set(name, [...(await someKeys(scene, name, 6)), 'none']);
    for (const at of moments) {
      const expected = await scene.past.read(names, at, async (state) => {
        const documents = names.map(async (name) => [name, await state[name].getMany(keys.get(name)!)] as const);
        return new Map(await Promise.all(documents));
      });
      for (const name of names) {
        for (const [index, key] of keys.get(name)!.entries()) {
          for (const histories of [settled, unsettled, forgetful]) {
            const { document } = await histories.documentAt(name, key, at, never);
            assert.deepEqual(sorted(document), sorted(expected.get(name)![index]!), `${name} ${key} before ${at}`);
          }
        }
      }
    }

    const end = await moment();
    for (const name of names) {
      const live = await scene.stores[name].getMany(keys.get(name)!);
      for (const [index, key] of keys.get(name)!.entries()) {
        for (const histories of [settled, forgetful]) {
          const changes = [];
          let cursor = null;
          for (;;) {
            const page = await histories.changes(name, key, { until: end, than: cursor, max: 7 }, never);
            changes.push(...page.changes);
            assert.equal(page.total - page.changes.length > 0, page.changes.length === 7 && page.total > 7);
            if (page.total <= page.changes.length) break;
            cursor = page.changes.at(-1)!;
          }
          const fields = new Map<string, number | string>();
          for (const change of changes.reverse()) {
            for (const { field, before, after } of change.fields) {
              assert.equal(fields.get(field) ?? null, before, `${name} ${key} ${field} at ${change.at}`);
              if (after === null) fields.delete(field);
              else fields.set(field, after);
            }
          }
          assert.deepEqual(fields.size === 0 ? null : toDocument(fields), sorted(live[index]!), `${name} ${key}`);
        }
      }
    }
  });

  it('is folded once: other times and pages cost nothing, and what comes later is folded on', async (t) => {
    const scene = await rebuildScene(t);
    for (let count = 0; count < 5; count++) await scene.like('post_1');
    const middle = await moment();
    for (let count = 0; count < 5; count++) await scene.like('post_1');
    const { histories, reads } = historiesOf(t, scene);
    const first = await histories.changes('engagement', 'post_1', { until: await moment(), max: 3 }, never);
    assert.deepEqual([first.changes.length, first.total, first.folded], [3, 10, 10]);
    const [newest] = first.changes;
    assert.deepEqual(newest!.fields[0], { field: 'likes', before: 9, after: 10 });
    const before = reads();
    const { document, folded } = await histories.documentAt('engagement', 'post_1', middle, never);
    assert.deepEqual([document!.likes, folded], [5, 0]);
    const page = { until: await moment(), than: first.changes.at(-1)!, max: 3 };
    const older = await histories.changes('engagement', 'post_1', page, never);
    assert.deepEqual([older.total, older.folded, older.changes[0]!.fields[0]!.after], [7, 0, 7]);
    assert.equal(reads(), before);
    await scene.like('post_1');
    const later = await histories.changes('engagement', 'post_1', { until: await moment(), max: 1 }, never);
    assert.deepEqual([later.total, later.folded, later.changes[0]!.fields[0]!.after], [11, 1, 11]);
  });

  it('remembers the newest changes only; older ones are folded for once more', async (t) => {
    const scene = await rebuildScene(t);
    const moments: number[] = [];
    for (let count = 0; count < 12; count++) {
      moments.push(await moment());
      await scene.like('post_1');
    }
    const { histories } = historiesOf(t, scene, { limits: { changes: 2 } });
    for (const [likes, at] of moments.entries()) {
      const { document } = await histories.documentAt('engagement', 'post_1', at, never);
      assert.equal(document?.likes ?? 0, likes);
    }
    const at = moments[3]!;
    const { changes, total } = await histories.changes('engagement', 'post_1', { until: at, max: 2 }, never);
    assert.equal(total, 3);
    assert.deepEqual(
      changes.map(({ fields }) => fields[0]!.after),
      [3, 2],
    );
  });

  it('begins anew where a record comes late', async (t) => {
    const scene = await rebuildScene(t);
    await scene.like('post_1');
    await scene.like('post_2');
    const { histories } = historiesOf(t, scene);
    const at = await moment();
    const likes = async () => (await histories.documentAt('engagement', 'post_1', at, never)).document?.likes;
    assert.equal(await likes(), 1);
    const place = await placeOf(scene, 'post_1');
    const { records } = await scene.log.read(place);
    const late = records[0]!;
    const headers = late.headers.map(
      ([name, value]) => [name, name === 'ce_id' ? Buffer.from('late') : value] as const,
    );
    await scene.log.append({ ...place, records: [{ ...late, headers, timestamp: at - 1 }] });
    assert.equal(await likes(), 2);
  });

  it('is made anew where a record that was counted is given up afterwards', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(300, 3, 0.6);
    const at = await moment();
    const keys = new Set<string>();
    for (let partition = 0; partition < 6; partition++) {
      const { records } = await scene.log.read({ topic: 'content-interactions', partition, offset: 0 });
      for (const { key } of records) if (key !== null) keys.add(key.toString());
    }
    const { histories } = historiesOf(t, scene, { limits: { kept: 500 } });
    const all = async () => {
      const documents = [];
      for (const key of keys) documents.push((await histories.documentAt('engagement', key, at, never)).document);
      return documents;
    };
    const before = await all();
    await scene.consume();
    await scene.quiet();
    const live = await scene.stores.engagement.getMany([...keys]);
    assert.deepEqual((await all()).map(sorted), live.map(sorted));
    assert.notDeepEqual(before, live);
  });

  it('begins with a snapshot where the log has forgotten its beginning, and without one says what is missing', async (t) => {
    const scene = await rebuildScene(t, { limits: { snapshotAfter: 1 } });
    const before = await moment();
    for (let count = 0; count < 3; count++) await scene.like('post_1');
    const three = await moment();
    await scene.past.read(['engagement'], three, async () => {});
    const again = await moment();
    await scene.like('post_1');
    // the last of them once more: the snapshot knows that it was counted
    const { records } = await scene.log.read({ ...(await placeOf(scene, 'post_1')), offset: 2 });
    await scene.log.append({ topic: 'content-interactions', partition: records[0]!.partition, records: [records[0]!] });
    const end = await moment();

    const { histories } = historiesOf(t, scene, { earliest: 3 });
    const at = (time: number) => histories.documentAt('engagement', 'post_1', time, never);
    const fromSnapshot = new Date(three).toISOString();
    const found = await at(end);
    assert.deepEqual([found.document?.likes, found.missing, found.fromSnapshot], [4, 0, fromSnapshot]);
    assert.deepEqual([(await at(again)).document?.likes, (await at(again)).forgotten], [3, false]);
    assert.equal((await at(before)).forgotten, true);
    const { changes, total } = await histories.changes('engagement', 'post_1', { until: end, max: 9 }, never);
    assert.equal(total, 1);
    assert.deepEqual(changes[0]!.fields, [{ field: 'likes', before: 3, after: 4 }]);

    const other = historiesOf(t, scene, { earliest: 3, madeBy: 'other code' }).histories;
    const lacking = await other.documentAt('engagement', 'post_1', end, never);
    assert.deepEqual([lacking.missing, lacking.fromSnapshot], [3, null]);
  });

  it('is too wide where more would have to be held than is allowed, and says so', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(200, 5, 0);
    const { histories } = historiesOf(t, scene, { limits: { fields: 3 } });
    const asked = histories.changes('feed', 'celebrities', { until: await moment(), max: 1 }, never);
    await assert.rejects(asked, (error) => isKitError(error, 'HISTORY_TOO_WIDE'));
  });

  it('ends when nobody waits for it any more, and is done for those who still do', async (t) => {
    const scene = await rebuildScene(t);
    await scene.publish(3_000, 5, 0);
    const at = await moment();
    const { histories, reads } = historiesOf(t, scene, { limits: { graceMs: 0 } });
    const gone = new AbortController();
    const left = histories.documentAt('analytics', 'day/1', at, gone.signal);
    const stays = histories.documentAt('analytics', 'day/1', at, never);
    await until(() => histories.progress('analytics', 'day/1'), { everyMs: 1 });
    gone.abort();
    await assert.rejects(left, { name: 'AbortError' });
    assert.equal((await stays).searched, 3_000);
    const readFor = reads();
    const alone = new AbortController();
    const second = histories.documentAt('notifications', 'inbox/u_1', at, alone.signal);
    await until(() => histories.progress('notifications', 'inbox/u_1'), { everyMs: 1 });
    alone.abort();
    await assert.rejects(second, { name: 'AbortError' });
    await until(() => histories.progress('notifications', 'inbox/u_1') === null, { everyMs: 1 });
    assert.ok(reads() - readFor < 3_000);
  });
});

async function placeOf(scene: Scene, contentId: string) {
  for (let partition = 0; ; partition++) {
    const place = { topic: 'content-interactions', partition, offset: 0 };
    const { records } = await scene.log.read(place);
    const found = records.find(({ key }) => key?.toString() === contentId);
    if (found !== undefined) return { ...place, offset: found.offset };
  }
}

function sorted(document: Document | null): Document | null {
  return document === null ? null : toDocument(Object.entries(document));
}
