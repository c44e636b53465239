/** A projection that is lost is made anew from the log by its consumer; what had been given up stays given up. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/settings.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import { isQuiet, logEnds } from '../../src/pipelines/quiet.ts';
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
