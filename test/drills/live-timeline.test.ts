import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { HistoryFollower } from '../../src/drills/history/follow-history.ts';
import type { ApplyOperation, HistoryEntry, PublishOperation } from '../../src/drills/history/history.ts';
import { HistoryRecorder } from '../../src/drills/history/recorder.ts';
import { LiveTimeline, type LiveUpdate, MAX_BUCKETS } from '../../src/drills/live-timeline.ts';
import { type Bucket, Measurements } from '../../src/drills/measurements.ts';

const BUCKET_MS = 250;
const AT = { topic: 't', partition: 0 };

function ack(invokedMs: number, completedMs: number, outcome: PublishOperation['outcome'] = 'acked'): PublishOperation {
  const sent = { sequence: 0, eventId: 'e', key: 'k', offset: 0, code: null };
  return { kind: 'publish', process: 'load', ...AT, ...sent, outcome, invokedMs, completedMs };
}

function apply(completedMs: number, count: number, outcome: ApplyOperation['outcome'] = 'ok'): ApplyOperation {
  const offsets = Array.from({ length: count }, (_, offset) => offset);
  const none = { parked: [], unparked: [], dead: 0 };
  const at = { group: 'g', epoch: 1, expect: 0, next: count };
  return {
    kind: 'apply',
    process: 'c',
    ...AT,
    ...at,
    ...none,
    offsets,
    outcome,
    invokedMs: completedMs - 1,
    completedMs,
  };
}

/** A second at a time, with an outage of three seconds in between, as the processes of a drill write it. */
function history(): HistoryEntry[][] {
  return Array.from({ length: 30 }, (_, second) => {
    const isOut = second >= 10 && second < 13;
    const atMs = 1_000 + second * 1_000;
    const entries: HistoryEntry[] = [];
    for (let ms = 0; ms < 1_000 && !isOut; ms += 10) {
      entries.push(ack(atMs + ms, atMs + ms + 3 + (ms % 7)));
      if (second === 13) entries.push(ack(atMs + ms - 3_000, atMs + ms + 5));
    }
    if (!isOut) entries.push(apply(atMs + 500, 40), apply(atMs + 510, 60, 'fenced'), ack(atMs, atMs + 9, 'failed'));
    if (second === 10) entries.push({ kind: 'mark', process: 'drill', atMs, label: 'killed' });
    return entries;
  });
}

function merged(updates: readonly LiveUpdate[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { from, buckets: news } of updates) buckets.splice(from, buckets.length, ...news);
  return buckets;
}

describe('what a drill tells of itself while it goes on', () => {
  test('is at its end what the report says', () => {
    const live = new LiveTimeline(BUCKET_MS);
    const measured = new Measurements();
    const updates: LiveUpdate[] = [];
    for (const entries of history()) {
      for (const entry of entries) {
        live.add(entry);
        measured.add(entry);
      }
      const update = live.take();
      if (update !== null) updates.push(update);
    }
    const whole = measured.timeline(BUCKET_MS);
    assert.deepEqual(merged(updates), whole);
    assert.ok(updates.length > 20);
    assert.ok(
      updates.every(({ buckets }) => buckets.length < whole.length / 2),
      'only what is new is told',
    );
    assert.deepEqual(updates.at(-1)!.marks, [{ atMs: 10_000, label: 'killed' }]);
    assert.equal(live.take(), null, 'nothing is told twice');
  });

  test('what was applied before the first acknowledgement was read counts too', () => {
    const live = new LiveTimeline(BUCKET_MS);
    live.add(apply(1_020, 3));
    live.add({ kind: 'mark', process: 'drill', atMs: 500, label: 'before' });
    assert.equal(live.take(), null);
    live.add(ack(1_000, 1_010));
    const { buckets, marks } = live.take()!;
    assert.deepEqual([buckets[0]!.applied, buckets[0]!.acked], [3, 1]);
    assert.deepEqual(marks, [{ atMs: -500, label: 'before' }]);
  });

  test('is bounded', () => {
    const live = new LiveTimeline(BUCKET_MS);
    live.add(ack(0, 1));
    live.add(ack(0, MAX_BUCKETS * BUCKET_MS - 1));
    live.add(ack(0, MAX_BUCKETS * BUCKET_MS * 10));
    assert.equal(live.take()!.buckets.length, MAX_BUCKETS);
  });
});

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'streamsocial-follow-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('the follower of histories', () => {
  const news = (follower: HistoryFollower, files: readonly string[]) => Array.fromAsync(follower.news(files));

  test('tells every operation once, when it has ended', async (t) => {
    const path = await directory(t);
    const file = join(path, 'load.ndjson');
    const follower = new HistoryFollower();
    t.after(() => follower.close());
    assert.deepEqual(await news(follower, [file]), [], 'a file that is not there yet');
    const recorder = new HistoryRecorder(file, 'load');
    const { kind: _, process: __, outcome: ___, completedMs: ____, ...begun } = apply(7, 2);
    const end = recorder.apply(begun);
    recorder.mark('here', 5);
    assert.deepEqual(
      (await news(follower, [file])).map(({ kind }) => kind),
      ['mark'],
    );
    end('ok');
    const [ended] = (await news(follower, [file])) as ApplyOperation[];
    assert.deepEqual([ended!.kind, ended!.outcome, ended!.offsets], ['apply', 'ok', [0, 1]]);
    assert.ok(ended!.completedMs! >= ended!.invokedMs);
    assert.deepEqual(await news(follower, [file]), []);
    recorder.close();
  });

  test('waits for the rest of a line, wherever it was cut', async (t) => {
    const path = await directory(t);
    const file = join(path, 'load.ndjson');
    const line = Buffer.from(`${JSON.stringify({ kind: 'mark', process: 'p', atMs: 1, label: 'größer' })}\n`);
    const follower = new HistoryFollower();
    t.after(() => follower.close());
    for (let cut = 1; cut < line.length; cut += 7) {
      await appendFile(file, line.subarray(0, cut));
      assert.deepEqual(await news(follower, [file]), []);
      await appendFile(file, line.subarray(cut));
      assert.equal((await news(follower, [file])).length, 1);
    }
  });

  test('a file that is put in the place of another one changes nothing that was told', async (t) => {
    const path = await directory(t);
    const file = join(path, 'applies.ndjson');
    const lines = (count: number) =>
      `${JSON.stringify({ kind: 'mark', process: 'p', atMs: 1, label: 'x' })}\n`.repeat(count);
    await writeFile(file, lines(3));
    const follower = new HistoryFollower();
    t.after(() => follower.close());
    assert.equal((await news(follower, [file])).length, 3);
    await writeFile(`${file}.partial`, lines(2));
    await rename(`${file}.partial`, file);
    assert.deepEqual(await news(follower, [file]), []);
  });
});
