/**
 * Pages in a real browser, Debian's Chromium, for test/dashboard/*.test.ts:
 *
 *   describe('a view', { skip: noBrowser }, () => {
 *     const browser = browserForTests();                       // one for the file, started by its first page
 *     test('shows …', async (t) => {
 *       const { url, platform } = await platformForTests(t);   // live-platform.ts: embedded or Kafka, free ports, in this process
 *       const { page } = await browser.open(t, `${url}/topics`, { theme: 'dark', width: 390 });
 *       await page.getByRole('button', { name: 'Publish' }).click();
 *       assert.deepEqual(await axeViolations(page), []);       // page-checks.ts, which measures long tasks and frames too
 *     });
 *   });
 *
 * Every page has a context of its own, is closed before what the test opened earlier, and then fails the test for errors on the
 * console, exceptions, violations of its policy and requests to another host. `expect` takes patterns of what a test provokes:
 * Chromium logs every answer of 400 and more ("Failed to load resource: … 404"), and each connection to a stopped server.
 * Code for `evaluate` that touches the DOM is text (`page.evaluate<number>('document.…')`): these files know no DOM types. Wait
 * with locators (`page.getByText('…').waitFor()`) or `until`, never for a time.
 */
import { after, type TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { guardPage, type PageGuard } from './page-guard.ts';
import { missing, pathOf } from './requirements.ts';
import { teardown } from './teardown.ts';

export type Theme = 'light' | 'dark';

export interface PageOptions {
  readonly theme?: Theme;
  /** Default 1280 by 800. */
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  /** Trouble that is part of the test, as the guard words it. */
  readonly expect?: readonly RegExp[];
  readonly context?: BrowserContextOptions;
  /** Before the page goes to its address: routes, scripts. */
  readonly prepare?: (page: Page) => Promise<void>;
}

export interface OpenPage {
  readonly page: Page;
  readonly guard: PageGuard;
}

export interface TestBrowser {
  /** Resolves when the page is loaded. */
  open(t: TestContext, url: string, options?: PageOptions): Promise<OpenPage>;
}

/** For `describe(…, { skip: noBrowser }, …)`. */
export const noBrowser: string | false = missing('chromium') ?? false;

const ARGUMENTS = [
  // as root, in a container
  '--no-sandbox',
  '--disable-dev-shm-usage',
  // whatever a page asks of another host goes nowhere; the guard reports it
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];
/** Where a view does not become what a test waits for, the reason should not be that the machine is busy. */
const TIMEOUT_MS = 20_000;

export async function launchBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: pathOf('chromium')!, args: ARGUMENTS });
}

/** To be called in a `describe` or at the top of a file: the browser ends with it. */
export function browserForTests(): TestBrowser {
  let browser: Promise<Browser> | undefined;
  after(async () => (await browser)?.close());
  return {
    async open(t, url, options = {}) {
      browser ??= launchBrowser();
      return openPage(t, await browser, url, options);
    },
  };
}

async function openPage(t: TestContext, browser: Browser, url: string, options: PageOptions): Promise<OpenPage> {
  const { theme = 'light', width = 1280, height = 800, reducedMotion = false, expect = [] } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...options.context,
  });
  const closing = teardown(t);
  closing.defer(() => context.close());
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const guard = await guardPage(page, new URL(url).host, expect);
  closing.defer(() => {
    // of Node 24, not yet of its types; a test that has failed for another reason shows these too
    const { passed } = t as TestContext & { readonly passed: boolean };
    if (!passed) for (const problem of guard.problems) t.diagnostic(problem);
    guard.check();
  });
  await options.prepare?.(page);
  await page.goto(url);
  return { page, guard };
}
