/** The tools that other tests judge the dashboard with, tried on a page that is wrong on purpose. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { browserForTests, noBrowser } from './browser.ts';
import { axeViolations, heapBytes, scroll, watchMainThread } from './page-checks.ts';
import { teardown } from './teardown.ts';
import { until } from './until.ts';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
const CLEAN = `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="/icon"><link rel="stylesheet" href="/style.css">
<main><h1>A page</h1><button>Press</button><p>Text</p></main></html>`;

async function serve(t: TestContext, html: string): Promise<string> {
  const server = createServer(({ url }, response) => {
    response.setHeader('content-security-policy', POLICY);
    if (url === '/') return response.setHeader('content-type', 'text/html').end(html);
    if (url === '/style.css')
      return response.setHeader('content-type', 'text/css').end('main { height: 5000px } p.pale { color: #ccc }');
    response.writeHead(url === '/icon' ? 204 : 404).end();
  });
  teardown(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('the browser harness', { skip: noBrowser }, () => {
  const browser = browserForTests();

  const TROUBLE = [
    ['an error on the console', "console.error('broken')", /console error: broken/],
    ['an exception', "setTimeout(() => { throw new Error('thrown') })", /page error: Error: thrown/],
    ['an unhandled rejection', "void Promise.reject(new Error('refused'))", /page error: Error: refused/],
    ['an answer of 404', "void fetch('/missing')", /console error: Failed to load resource/],
    [
      'a style that the policy refuses',
      "document.body.setAttribute('style', 'color: red')",
      /policy violation: style-src/,
    ],
    ['another host', "void fetch('http://example.com/').catch(() => {})", /example\.com/],
  ] as const;
  for (const [what, code, pattern] of TROUBLE)
    test(`the guard notices ${what}`, async (t) => {
      const { page, guard } = await browser.open(t, await serve(t, CLEAN));
      guard.check();
      await page.evaluate(code);
      await until(() => guard.problems.some((problem) => pattern.test(problem)));
      assert.throws(() => guard.check(), pattern);
      guard.forgive();
    });

  test('a page may do what the test expects', async (t) => {
    const { page, guard } = await browser.open(t, await serve(t, CLEAN), { expect: [/broken/] });
    await page.evaluate("console.error('broken')");
    guard.check();
  });

  test('axe runs under a strict policy, and only on request finds what is wrong', async (t) => {
    const clean = await browser.open(t, await serve(t, CLEAN));
    assert.deepEqual(await axeViolations(clean.page), []);
    const wrong = CLEAN.replace('Press', '').replace('<p>', '<p class="pale">');
    const { page } = await browser.open(t, await serve(t, wrong), { theme: 'dark' });
    const rules = (await axeViolations(page)).map((line) => line.split(':')[0]);
    assert.deepEqual(rules.sort(), ['button-name', 'color-contrast']);
  });

  test('the main thread, frames and heap are measured', async (t) => {
    const { page } = await browser.open(t, await serve(t, CLEAN));
    const end = await watchMainThread(page);
    await page.evaluate('setTimeout(() => { Array.from({ length: 2e5 }, Math.random).sort(); })');
    const { framesPerSecond, scrolledPx } = await scroll(page, 'html', 500);
    const { tasksMs, busyMs } = await end();
    assert.ok(tasksMs[0]! > 50, `the longest task took ${tasksMs[0]} ms`);
    assert.ok(busyMs >= tasksMs[0]!);
    assert.ok(framesPerSecond > 0 && scrolledPx > 0, `${framesPerSecond} frames/s, ${scrolledPx} px`);
    const before = await heapBytes(page);
    await page.evaluate('void (globalThis.kept = new Array(1e6).fill(0).map(() => ({})))');
    assert.ok((await heapBytes(page)) - before > 8e6);
  });
});
