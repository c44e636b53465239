/** The journey of an event in a browser, from the palette to its end; and the palette by keyboard alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { until } from '../support/until.ts';

const LIKE = { event_type: 'post_liked', user_id: 'alice', content_id: 'post_1' };

describe('the journey of an event', { skip: noBrowser }, () => {
  const browser = browserForTests();
  let live: LivePlatform & AsyncDisposable;
  before(async () => {
    live = await launchPlatform();
  });
  after(() => live?.[Symbol.asyncDispose]());

  const publish = (fields: object = {}) =>
    live.platform.publisher.publish({ ...LIKE, timestamp: new Date().toISOString(), ...fields });
  const poison = async () => {
    const record = { key: Buffer.from('post_1'), value: Buffer.from('{"broken'), headers: [] };
    const sent = await live.platform.producer.send({ topic: 'content-interactions', partition: 1, ...record });
    return `content-interactions:1:${sent.offset}`;
  };
  const state = (page: Page, text: string) =>
    page.locator('[data-figure="journey-state"]', { hasText: text }).waitFor();
  const path = (page: Page) => new URL(page.url()).pathname;

  test('from the palette, by keyboard alone', async (t) => {
    const { event_id } = await publish();
    const { page } = await browser.open(t, `${live.url}/`, { theme: 'dark' });
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.locator('.skip:focus').waitFor();
    await page.keyboard.press('Control+k');
    const box = page.getByRole('combobox', { name: 'Search or command' });
    await box.waitFor();
    await page.keyboard.type(event_id);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'post_liked' }).waitFor();
    assert.equal(path(page), `/journey/${event_id}`);
    await page.locator('h1:focus').waitFor();
    await state(page, 'COMMITTED');
    for (const handler of ['engagement', 'notifications', 'analytics'])
      await page.locator(`[data-lane="${handler}"]`, { hasText: 'COMMITTED' }).waitFor();
    await page.locator('.mark[tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.selected-step', { hasText: 'log: stored' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('step'), '2');
    await page.getByRole('link', { name: 'post_1' }).first().waitFor();
    await page.getByText('It names no cause').waitFor();
    assert.deepEqual(await axeViolations(page), []);
  });

  test('a poison event is followed to its dead letter, and its replay appears by itself', async (t) => {
    const place = await poison();
    const { page } = await browser.open(t, `${live.url}/journey/${place}`);
    await state(page, 'POISON_DLQ');
    await page.getByRole('heading', { level: 1, name: 'An unreadable record' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'Nobody can read it' }).waitFor();
    assert.deepEqual(await axeViolations(page), []);
    const id = `${live.settings.kafkaGroupId}/${place.replaceAll(':', '/')}`;
    const value = Buffer.from(JSON.stringify({ ...LIKE, timestamp: new Date().toISOString() }));
    const [item] = await live.platform.deadLetters.replay({ ids: [id], execute: true, repaired: { value } });
    assert.equal(item?.status, 'sent');
    await page.getByRole('button', { name: /replayed/ }).waitFor();
    await state(page, 'COMMITTED');
  });

  test('causes lead from one event to the next', async (t) => {
    const cause = await publish({ event_type: 'post_created', content_id: 'post_2' });
    const effect = await publish({ content_id: 'post_2', metadata: { causation_id: cause.event_id } });
    const { page } = await browser.open(t, `${live.url}/journey/${cause.event_id}`);
    await page.getByRole('list', { name: 'Causes, from first to last' }).getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: 'post_liked' }).waitFor();
    assert.equal(path(page), `/journey/${effect.event_id}`);
  });

  test('what is not found says what was looked at, on a narrow page too', async (t) => {
    const { page } = await browser.open(t, `${live.url}/journey/nothing`, { width: 390, expect: [/status of 404/] });
    await page.getByText('all of it was looked through').waitFor();
    await page.getByRole('row', { name: /the log, newest first/ }).waitFor();
    assert.deepEqual(await axeViolations(page), []);
    const { event_id } = await publish({ event_id: 'nothing' });
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('heading', { level: 1, name: 'post_liked' }).waitFor();
    await state(page, 'COMMITTED');
    assert.equal(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true);
    assert.equal(event_id, 'nothing');
  });

  test('the start lists the newest events', async (t) => {
    const { event_id } = await publish({ content_id: 'post_new' });
    const { page } = await browser.open(t, `${live.url}/journey`, { theme: 'dark' });
    await page.getByRole('link', { name: event_id }).waitFor();
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole('searchbox').fill(event_id);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'post_liked' }).waitFor();
  });

  test('the palette is a combobox: arrows choose, Enter takes, Escape gives the focus back', async (t) => {
    const { page } = await browser.open(t, `${live.url}/journey`);
    const field = page.getByRole('searchbox');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('/');
    const box = page.getByRole('combobox', { name: 'Search or command' });
    await box.waitFor();
    assert.deepEqual(await axeViolations(page), []);
    const active = () =>
      page.evaluate<string>(
        `document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).textContent`,
      );
    assert.match(await active(), /Pulse/);
    await page.keyboard.press('ArrowUp');
    assert.match(await active(), /Switch the theme/);
    await page.keyboard.press('Enter');
    await page.locator('html[data-theme="dark"]').waitFor();
    await box.waitFor({ state: 'detached' });
    await field.focus();
    await page.keyboard.press('Control+k');
    await box.waitFor();
    await page.keyboard.type('user-actions');
    await page.getByRole('option', { name: /^user-actions 12 partitions/ }).waitFor();
    await page.keyboard.press('Escape');
    await box.waitFor({ state: 'detached' });
    await until(() => page.evaluate<boolean>('document.activeElement.type === "search"'), {
      what: 'the focus in the field',
    });
    await page.keyboard.press('Control+k');
    await box.waitFor();
    await page.keyboard.type('consum');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Consumers' }).waitFor();
    assert.equal(path(page), '/consumers');
  });

  test('what the palette asks is asked once the typing rests', async (t) => {
    const { page } = await browser.open(t, `${live.url}/journey`);
    const asked: string[] = [];
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.pathname === '/api/v1/search') asked.push(url.searchParams.get('q')!);
    });
    await page.getByRole('button', { name: /^Search/ }).click();
    await page.getByRole('combobox', { name: 'Search or command' }).waitFor();
    // faster than any machine that types
    await page.evaluate(`for (const text of ['con', 'content', 'content-inter', 'content-interactions']) {
      document.activeElement.value = text;
      document.activeElement.dispatchEvent(new Event('input', { bubbles: true }));
    }`);
    await page.getByRole('option', { name: /^content-interactions 6 partitions/ }).waitFor();
    assert.deepEqual(asked, ['content-interactions']);
  });
});
