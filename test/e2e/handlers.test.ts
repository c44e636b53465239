/** After a demo on the embedded log, with poison and failures in it, every handler holds what a fold of the log holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/settings.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import { assertStatesEqualFolds } from '../support/handler-states.ts';
import { dataDirectory } from '../support/streamsocial.ts';

test("the handlers' states after a demo equal independent folds", async (t) => {
  const dataDir = await dataDirectory(t);
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env: {} });
  const platform = await openPlatform(settings, { consume: true });
  try {
    platform.controller.startDemo({ events: 4_000, seed: 11, ratePerSecond: 0 });
    const demo = await platform.controller.demoEnded();
    assert.equal(demo.balanced, true, JSON.stringify(demo));
    assert.ok(demo.dead_lettered > 0, 'the demo has poison');
    await assertStatesEqualFolds(platform);
  } finally {
    await platform.close();
  }
});
