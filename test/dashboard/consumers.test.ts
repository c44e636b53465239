import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { isOff, shows } from '../support/shows.ts';
import { until } from '../support/until.ts';

const TOPIC = 'orders';

describe('the page of consumers', { skip: noBrowser }, () => {
  const browser = browserForTests();
  let live: LivePlatform & AsyncDisposable;
  before(async () => {
    live = await launchPlatform();
    const { log, topics } = live.platform;
    await topics.ensure([{ name: TOPIC, partitions: 2 }]);
    for (const partition of [0, 1])
      await log.append({
        topic: TOPIC,
        partition,
        records: Array.from({ length: 10 }, () => ({
          key: null,
          value: Buffer.from('{}'),
          headers: [],
          timestamp: Date.now() - 60_000,
        })),
      });
  });
  after(() => live[Symbol.asyncDispose]());

  const commit = (group: string, offset: number) =>
    live.platform.log.group(group).commit([0, 1].map((partition) => ({ topic: TOPIC, partition, offset })));
  const committed = async (group: string) =>
    (await live.platform.log.group(group).committed()).map(({ offset }) => offset);
  const figure = (page: Page, name: string) => page.locator(`[data-figure="${name}"]`);
  /** A member in a process of its own, as the broker sees it. */
  async function join(group: string, clientId: string) {
    const client = await KafkaLog.connect({ bootstrap: [live.platform.broker!], clientId });
    const member = await client.group(group).join({
      topics: [TOPIC],
      onAssigned: async () => [],
      onRecords: async () => {},
      onRevoked: async () => {},
    });
    await until(() => member.assignment().length > 0);
    return { leave: () => client.close() };
  }

  test('lists ours and those of others, found by their name, and says how another comes', async (t) => {
    const { page } = await browser.open(t, `${live.url}/consumers`);
    const others = page.getByRole('region', { name: 'Groups that others have' });
    await page.getByText('No groups of others yet').waitFor();
    await page.getByText(`kcat -b ${live.platform.broker} -G mygroup content-interactions`).waitFor();
    await page.getByRole('link', { name: 'streamsocial-engagement.feed' }).waitFor();

    await commit('billing', 4);
    const row = others.getByRole('row').filter({ hasText: 'billing' });
    await row.getByText('Empty').waitFor();
    await shows(row, /\b12\b/);
    await shows(row, /\d min/);
    await shows(figure(page, 'groups'), '8');

    await page.getByLabel('Find a group').fill('bill');
    await page.getByText('1 group of 8').waitFor();
    await page.waitForURL(/\?q=bill$/);
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save consumer-groups as CSV' }).click();
    const [head, first] = (await readFile(await (await saved).path(), 'utf8')).split('\r\n');
    assert.match(head!, /^Group,State,Members,"Lag, records","Lag, time \(s\)",Consumed \(records\/s\),/);
    assert.match(first!, /^billing,Empty,0,12,/);
    assert.deepEqual(await axeViolations(page), []);
    await row.getByRole('link').click();
    await page.getByRole('heading', { name: 'billing', level: 1 }).waitFor();
  });

  test('a group: who reads what, how far each partition is, and how it was rebalanced', async (t) => {
    await commit('workers', 7);
    const { page } = await browser.open(t, `${live.url}/consumers/workers`, { theme: 'dark' });
    await figure(page, 'state').getByText('Empty').waitFor();
    await shows(figure(page, 'lag'), '6');
    const members = [await join('workers', 'worker-1'), await join('workers', 'worker-2')];
    await figure(page, 'state').getByText('Stable').waitFor();
    const rebalances = page.getByRole('region', { name: 'Rebalances of workers' });
    await rebalances.getByText(/worker-2 joined; 2 members/).waitFor();
    const rows = page.getByRole('region', { name: 'Partitions of workers' }).getByRole('row');
    await shows(rows.filter({ hasText: 'worker-1' }), /7\s+10\s+3\s+\d min/);
    await page.getByText('Records that wait').first().waitFor();
    assert.deepEqual(await axeViolations(page), []);

    await page.getByRole('link', { name: 'Members' }).click();
    const matrix = page.getByRole('region', { name: `Owners of ${TOPIC}` });
    for (const member of ['worker-1', 'worker-2'])
      await matrix.getByRole('row').filter({ hasText: member }).getByText('reads it').waitFor();
    assert.deepEqual(await axeViolations(page), []);
    for (const member of members) await member.leave();
    await page.getByText('Nobody is in this group').waitFor();
  });

  test('a reset: its dry run, refused while somebody reads, done as it was shown, and undone', async (t) => {
    await commit('replayers', 6);
    const member = await join('replayers', 'busy-1');
    const { page } = await browser.open(t, `${live.url}/consumers/replayers?tab=reset`);
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await figure(page, 'reset-summary')
      .getByText('2 of 2 partitions would move: at most 12 records read again.')
      .waitFor();
    await page.getByText(/1 member \(busy-1\)\. Stop its members/).waitFor();
    await isOff(page.getByRole('button', { name: 'Reset…' }));
    assert.deepEqual(await axeViolations(page), []);

    await member.leave();
    await page.getByText('It cannot be done now').waitFor({ state: 'detached' });
    await page.getByText('An offset', { exact: true }).click();
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('A whole number, 0 or more.').waitFor();
    await page.getByLabel('Offset', { exact: true }).fill('8');
    await page.getByLabel('In', { exact: true }).selectOption(TOPIC);
    await page.getByLabel('Partitions', { exact: true }).fill('1');
    await page.keyboard.press('Enter');
    const table = page.getByRole('region', { name: 'Offsets that would be set' });
    await table.getByText('2 records skipped').waitFor();
    assert.match(page.url(), /tab=reset.*to=offset.*offset=8.*partitions=1/);
    assert.deepEqual(await committed('replayers'), [6, 6], 'nothing has changed yet');

    await page.getByRole('button', { name: 'Reset…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Reset replayers?' });
    await dialog.getByText('1 of 1 partition would move').waitFor();
    await dialog.getByRole('button', { name: 'Reset offsets' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    assert.deepEqual(await committed('replayers'), [6, 8]);
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole('button', { name: 'Undo' }).click();
    await until(async () => (await committed('replayers'))[1] === 6);
  });

  test("one of ours is not reset; the page says why, and leads to the projection's rebuild", async (t) => {
    const { page } = await browser.open(t, `${live.url}/consumers/streamsocial-engagement?tab=reset`);
    await page.getByText('streamsocial-engagement cannot be reset here.').waitFor();
    assert.equal(
      await page.getByRole('link', { name: 'rebuild engagement' }).getAttribute('href'),
      '/state/engagement',
    );
    assert.equal(await page.getByRole('button', { name: 'Delete group…' }).count(), 0);
    await page.getByRole('link', { name: 'Lag', exact: true }).click();
    await page.getByRole('button', { name: 'Position', exact: true }).waitFor();
  });

  test('an empty group is deleted when its name is typed; its address says so then', async (t) => {
    await commit('leavers', 3);
    const { page } = await browser.open(t, `${live.url}/consumers/leavers`, { width: 390, expect: [/404/] });
    await page.getByRole('button', { name: 'Delete group…' }).click();
    const confirm = page.getByRole('button', { name: 'Delete', exact: true });
    assert(await confirm.isDisabled());
    await page.getByLabel('Type leavers to confirm').fill('leavers');
    await confirm.click();
    await page.getByRole('heading', { name: 'Consumers', level: 1 }).waitFor();
    assert.deepEqual(await committed('leavers'), []);
    await page.goto(`${live.url}/consumers/leavers`);
    await page.getByText('There is no consumer group leavers').waitFor();
    await page.getByText(/-G leavers content-interactions/).waitFor();
    assert.deepEqual(await axeViolations(page), []);
  });
});
