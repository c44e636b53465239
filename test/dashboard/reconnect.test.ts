/** The server is stopped and started again while a page is open: no step of its reader is needed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { publishEvents } from '../support/events.ts';
import { platformForTests } from '../support/live-platform.ts';
import { shows } from '../support/shows.ts';
import { until } from '../support/until.ts';

const CONTENT_INTERACTIONS = 'content-interactions';

/** The page stays the one that was loaded: a reload would lose what a script had put there. */
const MARK = 'loadedOnce';

/** Chromium logs every attempt that fails. */
const WHILE_STOPPED = [/ERR_CONNECTION_(REFUSED|RESET|CLOSED)/, /WebSocket connection to .* failed/];

const connectionOf = (page: Page) => page.locator('[data-connection]').getAttribute('data-connection');

describe('a page whose server comes back', { skip: noBrowser }, () => {
  const browser = browserForTests();

  test('says that it is disconnected and what to do, connects again, and its numbers are right', async (t) => {
    const live = await platformForTests(t);
    await publishEvents(live.url, 40);
    const { page } = await browser.open(t, live.url, { expect: WHILE_STOPPED });
    const topics = await browser.open(t, `${live.url}/topics`, { expect: WHILE_STOPPED });
    const pages = [page, topics.page];
    for (const one of pages) {
      await until(async () => (await connectionOf(one)) === 'open', { what: 'a connection' });
      await one.evaluate(`void (globalThis.${MARK} = true)`);
    }

    await live.stop();
    for (const one of pages) {
      const notice = one.getByRole('alert').filter({ hasText: 'does not answer' });
      await notice.waitFor();
      await shows(notice, /npm start/);
      await until(async () => (await connectionOf(one)) === 'lost', { what: 'a lost connection' });
    }

    // a view whose file the browser does not have yet
    await page.getByRole('link', { name: 'Consumers' }).click();
    await page.getByText('could not be loaded').waitFor();

    await live.start();
    await publishEvents(live.url, 25);
    for (const one of pages) {
      await until(async () => (await connectionOf(one)) === 'open', { what: 'a connection again' });
      await one.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor({ state: 'detached' });
      assert.equal(await one.evaluate(`globalThis.${MARK}`), true);
    }
    await page.getByRole('heading', { name: 'Consumers', level: 1 }).waitFor();
    const records = topics.page.locator(`[data-figure="records.${CONTENT_INTERACTIONS}"]`);
    await until(async () => Number((await records.innerText()).replaceAll(',', '')) === 65, {
      what: 'the numbers of both runs',
    });
  });
});
