/** The first minute of a newcomer, and what an operator sees: the page beside what an independent reader of the log counts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Platform } from '../../src/pipelines/platform.ts';
import { logEnds } from '../../src/pipelines/quiet.ts';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { publishEvents } from '../support/events.ts';
import { platformForTests } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { isOff, shows } from '../support/shows.ts';
import { until } from '../support/until.ts';

const EVENTS = 600;
const QUICK = { flags: { consumerRetryBaseMs: '20' } };

const numberOf = (text: string) => Number(text.replaceAll(',', ''));
const figure = (page: Page, name: string) => page.locator(`[data-figure="${name}"]`);

async function recordsIn({ log }: Platform, wanted: (topic: string) => boolean): Promise<number> {
  const ends = [...(await logEnds(log))].filter(([topic]) => wanted(topic));
  return ends.reduce((sum, [, offsets]) => sum + offsets.reduce((all, one) => all + one, 0), 0);
}

describe('the pulse', { skip: noBrowser }, () => {
  const browser = browserForTests();

  test('a demo from the first click to its books, which agree with the log', async (t) => {
    const live = await platformForTests(t, QUICK);
    const { page } = await browser.open(t, live.url);
    await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
    await page.getByLabel('Events', { exact: true }).fill(String(EVENTS));
    await page.getByLabel('Rate').fill('0');
    await page.getByLabel('Poison').fill('60');
    await page.getByText('A number from 0 to 50.').waitFor();
    await isOff(page.getByRole('button', { name: 'Run demo' }));
    await page.getByLabel('Poison').fill('20');
    await page.getByRole('button', { name: 'Run demo' }).click();

    await page.locator('[data-demo=balanced]').waitFor();
    const { platform } = live;
    const dead = await platform.deadLetters.depth();
    assert.ok(dead > 50, `${dead} dead letters`);
    await shows(
      figure(page, 'demo-verdict'),
      `All ${EVENTS} events are accounted for: ${EVENTS} in the log, ${EVENTS - dead} applied, ${dead} set aside as dead letters.`,
    );
    await until(async () => numberOf(await figure(page, 'dead-letters').innerText()) === dead, { what: 'the depth' });
    const inLog = await recordsIn(platform, (topic) => !topic.endsWith('.dlq'));
    assert.equal(inLog, EVENTS);
    const books = page.getByRole('table', { name: /what became of it, by topic/ });
    const counts = await books.locator('tbody td:nth-child(2)').allInnerTexts();
    assert.equal(
      counts.map(numberOf).reduce((sum, one) => sum + one, 0),
      inLog,
    );

    await page.getByText('Demo of 600 events ended, balanced').first().waitFor();
    await page.getByRole('button', { name: "Close the demo's result" }).click();
    await page.locator('[data-demo]').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'The books of the last demo' }).click();
    await page.locator('[data-demo=balanced]').waitFor();
    assert.match(page.url(), /\?demo=open$/);
    assert.deepEqual(await axeViolations(page), []);

    await page.getByRole('link', { name: `${dead} dead letters are open` }).click();
    await page.getByRole('heading', { name: 'Failures', exact: true }).waitFor();
  });

  test('the map, its table and the figures tell what the log has', async (t) => {
    const live = await platformForTests(t, QUICK);
    await publishEvents(live.url, 120);
    const { page } = await browser.open(t, `${live.url}/?span=1`);
    const map = page.getByRole('group', { name: /^Map of the flow/ });
    const node = map.getByRole('link', { name: 'content-interactions 120 records' });
    await node.waitFor();
    const group = map.getByRole('link', { name: 'engagement up to date' });
    await group.waitFor();
    assert.match(
      (await group.getAttribute('aria-description'))!,
      /^Consumer group streamsocial-engagement reads content-interactions: up to date/,
    );
    await page.getByText('Table of the flow, by consumer group').click();
    const rows = page.getByRole('table', { name: 'Consumer groups: rates, lag and latency' }).locator('tbody tr');
    await until(async () => (await rows.count()) === 7, { what: 'seven handlers' });
    for (const handler of ['engagement', 'feed', 'sessions'])
      await map.locator(`a[href="/state/${handler}"]`).waitFor();
    await page.getByText('All is well').waitFor();
    await shows(figure(page, 'publish-latency'), / \/ .* ms$/);
    await shows(figure(page, 'worst-lag'), 'nobody');
    assert.ok(await page.getByLabel('1 min').isChecked());
    await page.getByLabel('10 min').check({ force: true });
    await page.waitForURL(/\?span=10$/);

    await group.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /streamsocial-engagement/ }).waitFor();
    await page.goBack();
    await node.waitFor();
    await page.getByRole('button', { name: 'Run demo' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run the demo' });
    await dialog.waitFor();
    assert.match(page.url(), /run=demo/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });
});
