/** A broker is killed from the page, on a real cluster of the test's own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../support/cluster.ts';
import { platformForTests } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { missing } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const SEEN_MS = 2_000;

describe('a broker killed from the page', {
  skip: noBrowser || (missing(...KAFKA_COMPONENTS, 'redis-server') ?? false),
  timeout: 240_000,
}, () => {
  const browser = browserForTests();
  let directory: string;
  let cluster: Cluster;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-page-'));
    cluster = await startTestCluster({ brokers: 3, redis: true, directory: join(directory, 'cluster') });
  });
  after(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const card = (page: Page, name: string) => page.locator(`[data-server="${name}"]`);
  const figure = (page: Page, name: string) => page.locator(`[data-figure="${name}"]`);
  const confirm = async (page: Page, action: string, name: string, { types }: { readonly types: boolean }) => {
    await card(page, name)
      .getByRole('button', { name: `${action} ${name}` })
      .click();
    const dialog = page.getByRole('dialog');
    const button = dialog.getByRole('button', { name: `${action} ${name}` });
    if (types) {
      assert.equal(await button.isDisabled(), true, 'not before its name was typed');
      await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
    }
    assert.deepEqual(await axeViolations(page), []);
    await button.click();
  };

  test('is seen within two seconds, the other replicas lead, and started again it comes back', async (t) => {
    const { url } = await platformForTests(t, {
      flags: {
        dataDir: directory,
        log: 'kafka',
        bootstrap: cluster.bootstrap.join(','),
        redisPort: String(cluster.redis!.port),
      },
    });
    const { page } = await browser.open(t, `${url}/cluster`);
    for (const id of [1, 2, 3]) await card(page, `kafka-${id}`).getByText('RUNNING', { exact: true }).waitFor();
    await figure(page, 'cluster-status').getByText('healthy').waitFor();
    await page.getByText('partitions, all in sync').waitFor();

    const pid = cluster.pid('kafka-3');
    await confirm(page, 'Kill', 'kafka-3', { types: true });
    const clickedMs = performance.now();
    await card(page, 'kafka-3')
      .getByText(/^(ENDED|FAILED)$/)
      .waitFor();
    const seenMs = performance.now() - clickedMs;
    t.diagnostic(`seen ${Math.round(seenMs)} ms after the click`);
    assert.ok(seenMs < SEEN_MS, `seen after ${Math.round(seenMs)} ms`);
    // its launcher may hear of the end a moment after the page has seen it
    await until(() => cluster.pid('kafka-3') === null);
    await card(page, 'kafka-3').getByText('FAILED', { exact: true }).waitFor();
    await figure(page, 'cluster-status').getByText('degraded').waitFor();
    await page
      .getByRole('img', { name: /^user-actions: 12 partitions; leaders: 1 of \d+, 2 of \d+; 12 not in sync$/ })
      .waitFor();
    await page.getByText(/Broker 3 is FAILED/).waitFor();
    await page.getByText('As a table').click();
    await page
      .getByRole('row', { name: /user-actions .* under-replicated/ })
      .first()
      .waitFor();
    assert.match(page.url(), /partitions=1/);
    assert.deepEqual(await axeViolations(page), []);

    await confirm(page, 'Start', 'kafka-3', { types: false });
    await card(page, 'kafka-3').getByText('RUNNING', { exact: true }).waitFor({ timeout: 60_000 });
    await figure(page, 'cluster-status').getByText('healthy').waitFor({ timeout: 60_000 });
    await page.getByText('partitions, all in sync').waitFor();
    assert.notEqual(cluster.pid('kafka-3'), null);
    assert.notEqual(cluster.pid('kafka-3'), pid);

    await confirm(page, 'Pause', 'redis', { types: true });
    await card(page, 'redis').getByText('PAUSED', { exact: true }).waitFor();
    await confirm(page, 'Resume', 'redis', { types: false });
    await card(page, 'redis').getByText('RUNNING', { exact: true }).waitFor();
  });
});
