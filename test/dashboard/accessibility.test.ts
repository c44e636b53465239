/** WCAG 2.2 AA, as far as a program can tell: axe on every view, in both themes and two widths; the keyboard; reduced motion. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { type DemoScene, demoScene } from '../support/demo-scene.ts';
import { axeViolations } from '../support/page-checks.ts';
import { walkWithTab } from '../support/page-keyboard.ts';
import { until } from '../support/until.ts';
import { isSettled, VIEWS } from '../support/views.ts';

const LOOKS = [
  { width: 1280, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
] as const;
/** Of what lies below a view's own address: each width once, each theme once. */
const LOOKS_BELOW = LOOKS.slice(0, 2);

/** What the page scrolls sideways by, for want of room: WCAG 1.4.10 wants none at 320 pixels. */
const overflowPx = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Tables that hide columns beyond their edge: on a telephone their rows are cards. */
const cutTables = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('.table-scroll:has(> .stacks)')]
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
    .map((table) => table.getAttribute('aria-label'))`);

// they only look, and wait for most of their time
describe('everybody can use the dashboard', { skip: noBrowser, concurrency: 3 }, () => {
  const browser = browserForTests();
  let scene: DemoScene;
  before(async () => {
    scene = await demoScene();
  });
  after(() => scene?.[Symbol.asyncDispose]());

  for (const { name, addresses } of VIEWS) {
    test(`${name}: no violation that axe knows, in either theme and width`, async (t) => {
      for (const [index, address] of addresses(scene).entries()) {
        const { page } = await browser.open(t, scene.live.url + address, { reducedMotion: true });
        await isSettled(page);
        for (const { width, colorScheme } of index === 0 ? LOOKS : LOOKS_BELOW) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await axeViolations(page), [], `${address}, ${width} px, ${colorScheme}`);
          if (width === 390) assert.deepEqual(await cutTables(page), [], address);
        }
        await page.setViewportSize({ width: 320, height: 800 });
        // charts follow the width a moment later
        await until(async () => (await overflowPx(page)) === 0, { what: `${address} within 320 px`, timeoutMs: 5_000 });
      }
    });

    test(`${name}: the Tab key leads to everything, and one sees where it is`, async (t) => {
      for (const address of addresses(scene)) {
        const { page } = await browser.open(t, scene.live.url + address);
        await isSettled(page);
        const { unseen, unreached, stops } = await walkWithTab(page);
        assert.deepEqual(unseen, [], address);
        assert.deepEqual(unreached, [], address);
        // the seven views, the search and the theme at least
        assert.ok(stops >= 9, `${stops} stops on ${address}`);
      }
    });
  }

  test('whoever wants less motion gets none', async (t) => {
    for (const { addresses } of VIEWS) {
      const [address] = addresses(scene);
      const { page } = await browser.open(t, scene.live.url + address, { reducedMotion: true });
      await isSettled(page);
      const moving = await page.evaluate<string[]>(`[
        ...document.getAnimations().map(({ animationName, effect }) => (animationName ?? 'a transition') + ' of ' + effect.target.className),
        ...[...document.querySelectorAll('*')].filter((element) => {
          const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
          return transitionDuration.split(',').some((time) => parseFloat(time) > 0.01) || animationName !== 'none' || scrollBehavior === 'smooth';
        }).map((element) => element.localName + '.' + element.className),
      ]`);
      assert.deepEqual(moving, [], address);
    }
  });
});
