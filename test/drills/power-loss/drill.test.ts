import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { cacheDirectory } from '../../../src/config/cache-directory.ts';
import { runDrill } from '../../../src/drills/run-drill.ts';
import type { Sabotage } from '../../../src/drills/sabotage.ts';
import { powerLoss } from '../../../src/drills/scenarios/power-loss.ts';
import { missing } from '../../support/requirements.ts';

async function report(t: TestContext, sabotage: Sabotage | null) {
  const reportDirectory = await mkdtemp(join(tmpdir(), 'streamsocial-reports-'));
  t.after(() => rm(reportDirectory, { recursive: true, force: true }));
  const finished = await runDrill(powerLoss, {
    ratePerSecond: 2_000,
    seed: 1,
    // five kills, the fewest
    scale: 0.1,
    sabotage,
    reportDirectory,
    cacheDirectory: cacheDirectory(),
    signal: t.signal,
    onProgress: () => {},
  });
  return finished.report;
}

describe('the drill power-loss', {
  skip: process.platform === 'linux' ? (missing('cc') ?? false) : 'needs Linux',
}, () => {
  test('passes, and did drop writes', async (t) => {
    const { error, criteria } = await report(t, null);
    // how much a busy machine acknowledges between two kills is another matter
    const missed = criteria.filter(({ pass, name }) => !pass && name !== 'events acknowledged');
    assert.deepEqual([error, missed], [null, []]);
  });

  test('is red where fsync does nothing', async (t) => {
    const { passed } = await report(t, 'no-fsync');
    assert.equal(passed, false);
  });
});
