/** Failures in a browser: a poison event made, found, edited, replayed and seen counted once; a flood; what waits. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { launchPlatform } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { client } from '../support/poison-to-counted.ts';
import { isOff, shows } from '../support/shows.ts';
import { until } from '../support/until.ts';

describe('failures', { skip: noBrowser }, () => {
  const browser = browserForTests();
  let live: Awaited<ReturnType<typeof launchPlatform>>;
  before(async () => {
    live = await launchPlatform();
  });
  after(() => live?.[Symbol.asyncDispose]());

  test('a poison event is made, found, edited, replayed and counted once', async (t) => {
    const { url } = live;
    const { page } = await browser.open(t, `${url}/failures`);
    await page.getByRole('heading', { name: 'No event was given up so far' }).waitFor();
    assert.deepEqual(await axeViolations(page), []);

    await page.getByRole('button', { name: 'Make a failure' }).first().click();
    await page.getByRole('radio', { name: 'A field of the wrong type' }).check();
    await page.getByRole('button', { name: 'Send test record' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page.getByText('test: wrong_types').waitFor();
    assert.equal(
      await page.evaluate('document.activeElement.tagName'),
      'H1',
      'the keyboard goes on where the page begins',
    );
    const address = new URL(page.url());
    const verdict = (valid: string) => page.locator(`.failure-verdict[data-valid="${valid}"]`);
    await verdict('false').getByText('/user_id must be string').waitFor();

    // found again from the list of kinds, as anybody would
    await page.goto(`${url}/failures`);
    await page.getByRole('link', { name: 'SCHEMA_MISMATCH' }).click();
    await page.getByText('1 of 1, newest first').waitFor();
    await shows(page.locator('[data-figure="group-open"]'), '1');
    await page.getByRole('region', { name: 'Dead letters' }).getByRole('link').first().click();
    await page.getByRole('heading', { name: 'A copy to repair' }).waitFor();
    assert.equal(new URL(page.url()).pathname, address.pathname);

    const value = page.getByLabel('Value', { exact: true });
    const event = JSON.parse(await value.inputValue()) as Record<string, unknown>;
    await value.fill('{"not": "ended');
    await verdict('false').getByText('NOT_JSON').waitFor();
    await isOff(page.getByRole('button', { name: 'Replay the copy' }));
    const { likes: _, ...right } = event;
    await value.fill(JSON.stringify({ ...right, user_id: 'u_1' }));
    await verdict('true').waitFor();
    await shows(page.locator('del').first(), '42');
    assert.deepEqual(await axeViolations(page), []);

    const likes = async () =>
      (await client(url).get<{ likes?: number }>(`/api/v1/engagement/${event.content_id}`)).likes ?? 0;
    for (let round = 1; round <= 2; round++) {
      await page.getByRole('button', { name: 'Replay the copy' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('1 event would be sent').waitFor();
      await dialog.getByRole('button', { name: 'Replay', exact: true }).click();
      await page.getByText('Of 1 event sent: 1 counted once.').waitFor();
      await page.getByText(`${round} of 3 times`).waitFor();
      assert.equal(await likes(), 1, `counted once after replay ${round}`);
    }
    assert.equal(new URL(page.url()).searchParams.has('replay'), true, 'the replay has an address');
    await page.goto(`${url}/failures/replays`);
    await page.getByText('Of 1 event sent: 1 counted once.').nth(1).waitFor();
  });

  test('a group is replayed at a limited rate, followed, and cancelled', async (t) => {
    const { url, platform } = live;
    const before = await platform.deadLetters.depth();
    for (let n = 0; n < 12; n++) await platform.failures.test('null_value');
    await until(async () => (await platform.deadLetters.depth()) === before + 12);
    const { page } = await browser.open(t, `${url}/failures`, { theme: 'dark', width: 390, height: 844 });
    await page.getByRole('link', { name: 'NULL_VALUE' }).click();
    await page.getByRole('button', { name: 'Replay open ones' }).click();
    await page.getByLabel('At most so many a second').fill('1');
    await page.getByText(/^12 events would be sent, in about 12(\.0)? s/).waitFor();
    await page.getByRole('button', { name: 'Replay 12' }).click();
    await page.getByRole('progressbar', { name: 'Replay' }).waitFor();
    await page.getByRole('button', { name: 'Cancel the replay' }).click();
    await page.locator('.state', { hasText: 'cancelled' }).waitFor();
    const sent = Number(await page.locator('[data-figure="replay-sent"]').textContent());
    assert.ok(sent >= 1 && sent < 12, `${sent} were sent`);
    await page.getByText(new RegExp(`Of ${sent} events? sent: ${sent} dead letters? again`)).waitFor();
    assert.equal(await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth'), false);
    assert.deepEqual(await axeViolations(page), []);
  });

  test('an event that fails for a while is seen waiting, with what waits behind it', async (t) => {
    const { url } = live;
    const { page } = await browser.open(t, `${url}/failures/parked`);
    await page.getByText('Nothing waits').waitFor();
    await page.getByRole('button', { name: 'Make a failure' }).first().click();
    await page.getByRole('radio', { name: 'The handler fails three times' }).check();
    await page.getByRole('button', { name: 'Send test record' }).click();
    await page.getByText('has failed and waits below').waitFor();
    await page.getByText(/^in [1-8] s$/).waitFor();
    await page.getByText('3 events', { exact: true }).click();
    await page.locator('.failure-waiting a').nth(2).waitFor();
    assert.equal(await page.locator('.failure-waiting a').count(), 3);
    await shows(page.locator('[data-figure="parked-events"]'), '4');
    assert.deepEqual(await axeViolations(page), []);
  });
});
