/** A projection that is lost is made anew from the log by its consumer; what had been given up stays given up. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadSettings } from '../../src/config/settings.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import { isQuiet, logEnds } from '../../src/pipelines/quiet.ts';
import { GivenUp, GivenUpReading } from '../../src/pipelines/rebuild-set-aside.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { until } from '../support/until.ts';

test('after the loss of the projections the books balance, with the same letters', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'streamsocial-given-up-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env: {} });
  const lettersOf = async (platform: Awaited<ReturnType<typeof openPlatform>>) =>
    (await platform.deadLetters.list({ limit: 1_000 })).entries.map(({ id, code }) => `${id} ${code}`).sort();
  const recordsOf = async (platform: Awaited<ReturnType<typeof openPlatform>>) =>
    (await platform.log.listOffsets([{ topic: 'content-interactions.dlq', partition: 0, at: 'latest' }]))[0];

  const before = await openPlatform(settings, { consume: true });
  t.after(() => before.close());
  before.controller.startDemo({ events: 8_000, seed: 6, ratePerSecond: 0 });
  const demo = await before.controller.demoEnded();
  assert.equal(demo.balanced, true, JSON.stringify(demo));
  const letters = await lettersOf(before);
  const written = await recordsOf(before);
  assert.ok(
    letters.some((letter) => letter.endsWith('RETRIES_EXHAUSTED')),
    'some failed at every attempt',
  );
  assert.ok(
    letters.some((letter) => !letter.endsWith('RETRIES_EXHAUSTED')),
    'some could not be read',
  );
  await before.close();

  const projections = join(dataDir, 'projections');
  for (const name of readdirSync(projections))
    if (!name.startsWith('idempotency')) rmSync(join(projections, name), { recursive: true });

  const after = await openPlatform(settings, { consume: true });
  t.after(() => after.close());
  await until(async () => isQuiet(after.projections, await logEnds(after.log)), {
    timeoutMs: 60_000,
    what: 'the fold',
  });
  const books = await after.reconcile();
  assert.equal(books.balanced, true, JSON.stringify(books));
  assert.deepEqual(await lettersOf(after), letters);
  assert.equal(await recordsOf(after), written, 'no letter was written twice');
});

const groups = Array.from({ length: 7 }, (_, index) => ({ group: `g${index}`, topics: ['t'] }));

async function capture(log: MemoryLog, group: string, offset: number): Promise<void> {
  const record = { topic: 't', partition: 0, offset, key: null, value: null, headers: [], timestamp: 1 };
  const about = { group, code: 'X', reason: 'x', deliveryCount: 1, firstFailedAt: 1 };
  await new DeadLetterQueue({ log, sender: log }).capture([{ record, ...about }]);
}

test('handlers that start behind share one reading of the dead letters, each with its own; what came since is read on', async (t) => {
  const log = new MemoryLog({ t: 1 });
  for (const { group } of groups) for (const offset of [1, 2]) await capture(log, group, offset);
  await capture(log, 'somebody else', 1);
  const read = t.mock.method(log, 'read');
  const reading = new GivenUpReading(log, groups);
  const all = groups.map((one) => new GivenUp(log, one, reading));
  // each has some partitions to claim
  await Promise.all(all.flatMap((one) => [one.refresh(), one.refresh(), one.refresh()]));
  assert.equal(read.mock.callCount(), 1);
  for (const one of all) assert.deepEqual([...one.places()], ['t/0/1', 't/0/2']);
  assert.ok(all[0]!.has({ topic: 't', partition: 0, offset: 1 }));
  assert.ok(!all[0]!.has({ topic: 't', partition: 0, offset: 3 }));

  // one that is captured while a reading is under way may have been passed by it
  const { promise: passing, resolve: pass } = Promise.withResolvers<void>();
  const { listOffsets } = log;
  t.mock.method(log, 'listOffsets', async (queries: Parameters<typeof listOffsets>[0]) => {
    const ends = await listOffsets.call(log, queries);
    await passing;
    return ends;
  });
  const early = all[0]!.refresh();
  await nextTurn();
  await capture(log, 'g1', 3);
  const late = all[1]!.refresh();
  pass();
  await Promise.all([early, late]);
  assert.deepEqual([...all[1]!.places()].at(-1), 't/0/3');
  assert.equal(read.mock.calls.at(-1)!.arguments[0].offset, 15, 'on from where it was');
});
