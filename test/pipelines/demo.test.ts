import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/settings.ts';
import { KitError } from '../../src/kit/errors.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

test('a demo with much poison balances: generated traffic, real activity, none at all', async (t) => {
  const dataDir = await dataDirectory(t);
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env: {} });
  const platform = await openPlatform(settings, { consume: true });
  try {
    const dead: number[] = [];
    for (const options of [{ poisonShare: 0.4 }, { poisonShare: 0.4, real: true }, { poisonShare: 0, real: true }]) {
      platform.controller.startDemo({ events: 400, seed: 5, ratePerSecond: 0, ...options });
      const report = await platform.controller.demoEnded();
      assert.deepEqual([report.state, report.balanced, report.published], ['DONE', true, 400], report.error);
      dead.push(report.dead_lettered);
    }
    const [generated, real, none] = dead as [number, number, number];
    assert.ok(generated > 90 && generated < 190, `${generated} of 400, 83 % of them interactions`);
    assert.ok(real > 20, `${real}`);
    assert.equal(none, 0);
    assert.equal((await platform.reconcile()).balanced, true);
    const { dead_letters, end_to_end } = await platform.pulse.sample();
    assert.equal(dead_letters.depth, generated + real);
    assert.ok(end_to_end !== null && end_to_end.p99_ms >= end_to_end.p50_ms);
  } finally {
    await platform.close();
  }
});

test('a store that is away for a moment ends no demo', async (t) => {
  const dataDir = await dataDirectory(t);
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env: {} });
  const platform = await openPlatform(settings, { consume: true });
  try {
    const { store } = platform.projections.find(({ name }) => name === 'engagement')!;
    const partitions = store.partitions.bind(store);
    platform.controller.startDemo({ events: 600, seed: 5, ratePerSecond: 1_000 });
    await until(() => (platform.controller.demo()?.published ?? 0) > 0);
    let refused = 0;
    store.partitions = async () => {
      refused += 1;
      throw new KitError('STORE_UNAVAILABLE', 'Redis at h:1: connect ECONNREFUSED', { retriable: true });
    };
    // longer than publishing takes: the wait for quiet meets it too
    await until(() => platform.producer.metrics().messages_sent >= 600 && refused >= 5);
    store.partitions = partitions;
    const { state, balanced, error } = await platform.controller.demoEnded();
    assert.deepEqual([state, balanced, error], ['DONE', true, undefined]);
    assert.deepEqual(await platform.notReadyBecause(), []);
  } finally {
    await platform.close();
  }
});
