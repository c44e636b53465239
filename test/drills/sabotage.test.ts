/** A drill that cannot fail proves nothing: with a safeguard taken away, each has to find what then goes wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FindingKind } from '../../src/drills/checker/findings.ts';
import type { Drill } from '../../src/drills/drill.ts';
import type { DrillOptions } from '../../src/drills/drill-options.ts';
import type { DrillReport } from '../../src/drills/report/report.ts';
import { runDrill } from '../../src/drills/run-drill.ts';
import { consumerKill } from '../../src/drills/scenarios/consumer-kill.ts';
import { powerLoss } from '../../src/drills/scenarios/power-loss.ts';
import { redisFreeze } from '../../src/drills/scenarios/redis-freeze.ts';
import { zombieConsumer } from '../../src/drills/scenarios/zombie-consumer.ts';
import { testCacheDirectory } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';

async function reportOf(t: TestContext, drill: Drill, options: Partial<DrillOptions>): Promise<DrillReport> {
  const reportDirectory = await mkdtemp(join(tmpdir(), 'streamsocial-reports-'));
  t.after(() => rm(reportDirectory, { recursive: true, force: true }));
  const { report } = await runDrill(drill, {
    ratePerSecond: 1_000,
    seed: 1,
    scale: 0.2,
    sabotage: null,
    // what is taken away is the consumers' and the store's
    brokers: 1,
    ...options,
    reportDirectory,
    cacheDirectory: testCacheDirectory(),
    signal: t.signal,
    onProgress: () => {},
  });
  return report;
}

function assertFound({ passed, error, findings }: DrillReport, ...kinds: FindingKind[]): void {
  assert.equal(error, null);
  assert.equal(passed, false);
  const found = findings.map(({ kind }) => kind);
  for (const kind of kinds) assert.ok(found.includes(kind), `${kind} is not among: ${found.join(', ')}`);
}

describe('drills without a safeguard', { skip: missing('java', 'mvn', 'redis-server') ?? false }, () => {
  test('no fence: what a zombie still writes is found', async (t) => {
    assertFound(await reportOf(t, zombieConsumer, { sabotage: 'no-fence' }), 'two-owners');
  });

  test('no de-duplication: events sent twice are counted twice', async (t) => {
    assertFound(await reportOf(t, redisFreeze, { sabotage: 'no-dedup' }), 'counter-mismatch');
  });

  test('position before effect: what a killed consumer had begun is missing', async (t) => {
    const report = await reportOf(t, consumerKill, { sabotage: 'commit-before-effect', scale: 0.4 });
    assertFound(report, 'unbalanced', 'counter-mismatch');
  });
});

test('nothing is synced: the files do not outlive a power loss', {
  skip: process.platform === 'linux' ? (missing('cc') ?? false) : 'Linux only',
}, async (t) => {
  const { criteria, passed } = await reportOf(t, powerLoss, { sabotage: 'no-fsync' });
  assert.equal(passed, false);
  assert.equal(criteria.find(({ name }) => name === 'damages found in the files')?.pass, false);
});
