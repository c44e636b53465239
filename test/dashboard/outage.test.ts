import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { platformForTests } from '../support/live-platform.ts';

describe('a page whose log goes away', { skip: noBrowser }, () => {
  const browser = browserForTests();

  test('says of when its numbers are and where to start the servers, and goes on by itself', async (t) => {
    const { url } = await platformForTests(t);
    const { page } = await browser.open(t, `${url}/topics`, { expect: [/503/] });
    await page.getByRole('link', { name: 'content-interactions', exact: true }).waitFor();
    const problem = {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code: 'LOG_UNAVAILABLE',
      detail: 'no broker answers',
      retriable: true,
    };
    const body = JSON.stringify(problem);
    await page.route(/\/api\/v1\/topics\?/, (route) =>
      route.fulfill({ status: 503, contentType: 'application/problem+json', body }),
    );
    const alert = page.getByRole('alert').filter({ hasText: 'no broker answers' });
    await alert.getByText(/shown below is old, of \d\d:\d\d:\d\d/).waitFor();
    assert.equal(await alert.getByRole('link').getAttribute('href'), '/cluster');
    await page.getByRole('link', { name: 'content-interactions', exact: true }).waitFor();
    await page.unroute(/\/api\/v1\/topics\?/);
    await alert.waitFor({ state: 'detached' });
  });
});
