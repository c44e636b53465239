/** State and time travel in a real browser. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { until } from '../support/until.ts';

describe('state and time in a browser', { skip: noBrowser }, () => {
  const browser = browserForTests();
  let live: LivePlatform & AsyncDisposable;
  before(async () => {
    live = await launchPlatform();
  });
  after(() => live?.[Symbol.asyncDispose]());

  async function like(content: string, user: string): Promise<string> {
    const { publisher, applied } = live.platform;
    const event = publisher.create({ event_type: 'post_liked', user_id: user, content_id: content });
    await applied(await publisher.publish(event), 20_000, 'engagement');
    // the next one is not of the same millisecond
    const at = Date.now();
    await until(() => Date.now() > at, { everyMs: 1 });
    return event.event_id;
  }

  test('a row now and before; the events that changed it lead to both, and to their journey', async (t) => {
    const content = 'a post/with <b>';
    await like(content, 'ann');
    const second = await like(content, 'bob');
    const between = new Date().toISOString();
    const third = await like(content, 'cid');
    const { page } = await browser.open(t, `${live.url}/state/engagement`);
    await page.getByLabel('Id of the content').fill(content);
    await page.getByRole('button', { name: 'Show the row' }).click();
    await page.getByRole('heading', { name: content, level: 1 }).waitFor();
    const likes = page.getByRole('row', { name: /^likes/ });
    await likes.getByRole('cell', { name: '3', exact: true }).waitFor();
    const changes = page.locator('[data-figure="changes.total"]');
    await until(async () => (await changes.innerText()) === '3', { what: 'three changes' });
    await page.locator(`a[href^="/journey/${third}"]`).waitFor();

    await page.getByLabel('Exact time').fill(between);
    await page.keyboard.press('Enter');
    await page.locator('[data-row="compared"]').waitFor();
    assert.deepEqual((await likes.getByRole('cell').allInnerTexts()).slice(0, 3), ['2', '+1', '3']);
    assert.equal(new URL(page.url()).searchParams.get('at'), between);

    // by keyboard: just before the second like, then after it again
    const slider = page.getByRole('slider', { name: 'Time' });
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await until(async () => (await likes.getByRole('cell').allInnerTexts())[0] === '1', { what: 'the row before' });
    await page.keyboard.press('ArrowRight');
    await until(async () => (await likes.getByRole('cell').allInnerTexts())[0] === '2', { what: 'the row after' });

    await page
      .locator('tr', { has: page.locator(`a[href^="/journey/${second}"]`) })
      .getByRole('button', { name: /^before/ })
      .click();
    await until(async () => (await likes.getByRole('cell').allInnerTexts())[0] === '1', { what: 'the row before it' });
    await page.getByText('Before the chosen time', { exact: true }).click();
    await until(async () => (await changes.innerText()) === '1', { what: 'one change before' });
    assert.match(page.url(), /changes=before/);
    assert.deepEqual(await axeViolations(page), []);

    await like(content, 'dan');
    await page.getByRole('region', { name: 'Time', exact: true }).getByRole('button', { name: 'Now' }).click();
    await likes.getByRole('cell', { name: '4', exact: true }).waitFor();
    assert.equal(new URL(page.url()).search, '?changes=before');
    await page.getByRole('button', { name: /^Look again/ }).click();
    await until(async () => (await changes.innerText()) === '4', { what: 'four changes' });
    await page.getByRole('button', { name: /^← event/ }).click();
    await until(async () => (await likes.getByRole('cell').allInnerTexts())[0] === '3', {
      what: 'the row before the last',
    });
  });

  test('a row that was not there yet, an address with no time, and a row that never was say so', async (t) => {
    const early = new Date(Date.now() - 3_600_000).toISOString();
    await like('young', 'ann');
    const { page } = await browser.open(t, `${live.url}/state/engagement/young?at=${early}`);
    const row = page.getByRole('row', { name: /^likes/ });
    await page.locator('[data-row="compared"]').waitFor();
    assert.deepEqual((await row.getByRole('cell').allInnerTexts()).slice(0, 3), ['–', 'new since', '1']);
    const { page: wrong } = await browser.open(t, `${live.url}/state/engagement/young?at=noon`, { theme: 'dark' });
    await wrong.getByText('The address names a time that is none: noon.').waitFor();
    const { page: never } = await browser.open(t, `${live.url}/state/feed/timeline%2Fnobody`);
    await never.getByText('There is no such row').waitFor();
    await never.getByText('No event has changed it yet', { exact: true }).waitFor();
    assert.deepEqual(await axeViolations(never), []);
  });

  test('a rebuild is compared first, shows no differences, and is swapped in', async (t) => {
    await like('rebuilt', 'ann');
    const { page } = await browser.open(t, `${live.url}/state`);
    await page.getByRole('link', { name: 'engagement', exact: true }).click();
    await page.getByRole('link', { name: 'Rebuild', exact: true }).click();
    await page.getByRole('button', { name: 'Rebuild and compare' }).click();
    await page.locator('[data-differences="0"]').waitFor();
    await page.getByText(/keeps up with the live version until you decide/).waitFor();
    await page.getByRole('button', { name: 'Swap it in …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Swap it in', exact: true }).click();
    await page.locator('[data-rebuild="DONE"]').waitFor();
    await page.getByText('Done: version 2 is live.').waitFor();
    await until(async () => (await page.locator('[data-figure="projection.version"]').innerText()) === '2');

    await page.getByText('In place', { exact: true }).click();
    await page.getByRole('button', { name: 'Rebuild …' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Empty and rebuild' });
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel('Type engagement to confirm').fill('engagement');
    await confirm.click();
    await page.getByText('Done: rebuilt in place.').waitFor();
    assert.deepEqual(await axeViolations(page), []);
    assert.equal((await live.platform.state.engagement.get('rebuilt'))?.likes, 1);
  });
});
