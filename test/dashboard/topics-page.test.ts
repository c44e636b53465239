/** Topics and events in a real browser: publishing, the browser and the live tail, and content that means no good. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import type { NewRecord } from '../../src/kit/log/event-log.ts';
import { partitionFor } from '../../src/kit/log/partitioner.ts';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { axeViolations, scroll, smoothness, watchMainThread } from '../support/page-checks.ts';
import { isOff, shows } from '../support/shows.ts';
import { until } from '../support/until.ts';

const TOPIC = 'content-interactions';
const MAX_TASK_MS = 50;
const MOST_AT_ONCE_MS = 200;

describe('topics and events in a browser', { skip: noBrowser }, () => {
  const browser = browserForTests();
  let live: LivePlatform & AsyncDisposable;
  before(async () => {
    live = await launchPlatform();
  });
  after(() => live?.[Symbol.asyncDispose]());

  async function append(records: readonly { readonly key: string; readonly value: string }[]): Promise<void> {
    const { log } = live.platform;
    const byPartition = Map.groupBy(records, ({ key }) => partitionFor(key, 6));
    for (const [partition, group] of byPartition)
      await log.append({
        topic: TOPIC,
        partition,
        records: group.map(({ key, value }) => ({
          key: Buffer.from(key),
          value: Buffer.from(value),
          headers: [],
          timestamp: Date.now(),
        })),
      });
  }

  test('an event that is published appears in the tail, and its record tells where its journey is', async (t) => {
    const { page: tail } = await browser.open(t, `${live.url}/topics/${TOPIC}?tab=tail`);
    await tail.getByText('Waiting for records').waitFor();
    const { page } = await browser.open(t, `${live.url}/topics?tab=publish&type=comment_added`);
    const publish = page.getByRole('button', { name: 'Publish', exact: true });
    await page.getByText(/^It would go to/).waitFor();

    await page.getByLabel('content_id (needed)').fill('');
    await page.getByText('is required').first().waitFor();
    await isOff(publish);
    await page.getByLabel('content_id (needed)').fill('post_in_a_browser');
    await page.getByText(/partition \d/).waitFor();
    await publish.click();
    const place = page.locator('[data-published]');
    await place.waitFor();
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Publish', 'the focus stays where it was');
    const id = (await place.getAttribute('data-published'))!;

    await tail.getByText('post_in_a_browser').waitFor();
    await tail.locator('[data-record] a').first().click();
    await tail.getByRole('heading', { name: 'Headers' }).waitFor();
    const journey = await tail.getByRole('link', { name: 'its journey' }).getAttribute('href');
    assert.match(journey!, new RegExp(`^/journey/${id}\\?at=content-interactions%3A\\d+%3A\\d+$`));
    await shows(tail.getByRole('region', { name: 'Value' }), /"comment_id": "comment_5"/);

    await page.getByRole('link', { name: new RegExp(`^${TOPIC}, \\d+:`) }).click();
    await page.getByRole('heading', { name: /^Record \d+:/ }).waitFor();
    await page.getByText('Raw bytes', { exact: true }).click();
    await page.getByText(/^00000000 {2}7b 22/).waitFor();
    assert.match(page.url(), /raw=1/);
  });

  test('records are searched by key, time and text; the address says what is shown', async (t) => {
    await append(Array.from({ length: 300 }, (_, at) => ({ key: `searched-${at % 10}`, value: `{"n":${at}}` })));
    const { page } = await browser.open(t, `${live.url}/topics/${TOPIC}`);
    const shown = page.locator('[data-figure="records.shown"]');
    await until(async () => (await shown.innerText()) === '100', { what: 'the first page' });
    await page.getByLabel('Key', { exact: true }).fill('searched-3');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await until(async () => (await shown.innerText()) === '30', { what: 'the records of the key' });
    assert.match(page.url(), /key=searched-3/);
    await page.getByLabel('Contains text').fill('"n":293}');
    await page.keyboard.press('Enter');
    await until(async () => (await shown.innerText()) === '1', { what: 'the one with the text' });
    const address = page.url();
    await page.goBack();
    await until(async () => (await shown.innerText()) === '30', { what: 'what was shown before' });

    const again = await browser.open(t, address);
    await until(async () => (await again.page.locator('[data-figure="records.shown"]').innerText()) === '1', {
      what: 'the same from the address',
    });
    assert.deepEqual(await axeViolations(again.page), []);
  });

  test('markup in an event is text, and a megabyte of nested JSON does not stop the page', async (t) => {
    const key = 'harmful';
    const image = '<img src=x onerror="document.title=String(1/0)"><script>document.title=1</script>';
    const nested = `${'{"a":['.repeat(75_000)}"${image.replaceAll('"', '\\"')}"${']}'.repeat(75_000)}`;
    const padded = nested + ' '.repeat(1_000_000 - nested.length);
    await append([
      { key, value: JSON.stringify({ text: image }) },
      { key, value: padded },
    ]);
    const { page } = await browser.open(t, `${live.url}/topics/${TOPIC}?key=${key}`);
    await until(async () => (await page.locator('[data-record]').count()) === 2, { what: 'both records' });
    const stop = await watchMainThread(page);
    await page.locator('[data-record] a').first().click();
    await page.getByText('The first 16,000 characters.').waitFor();
    await page.getByRole('button', { name: 'Show more' }).first().click();
    await page.getByText('The first 100,000 characters.').waitFor();
    await page.locator('[data-record] a').last().click();
    await until(async () => (await page.getByRole('region', { name: 'Value' }).innerText()).includes('<img src=x'), {
      what: 'the markup as text',
    });
    const { tasksMs } = await stop();
    t.diagnostic(`longest task ${tasksMs[0]?.toFixed(0)} ms`);
    assert((tasksMs[0] ?? 0) < MAX_TASK_MS, `a task of ${tasksMs[0]} ms`);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.match(await page.title(), /StreamSocial/);
  });

  test('ten megabytes are refused with a clear message, typed or pasted', async (t) => {
    const { page } = await browser.open(t, `${live.url}/topics?tab=publish&type=comment_added&as=json`);
    const editor = page.getByLabel('JSON, plain or as a CloudEvent');
    await editor.fill(JSON.stringify({ event_type: 'comment_added', data: { text: 'x'.repeat(70_000) } }));
    await page.getByText(/This has 68\.4 KiB; an event has 64\.0 KiB at most/).waitFor();
    await isOff(page.getByRole('button', { name: 'Publish', exact: true }));
    await page.getByRole('button', { name: 'Back to the example' }).click();
    await page.getByText(/^It would go to/).waitFor();
    const before = await editor.inputValue();
    await paste(page, 10 * 1024 * 1024);
    await page.getByText(/This has 10\.0 MiB; an event has 64\.0 KiB at most\. It was not taken\./).waitFor();
    assert.equal(await editor.inputValue(), before);
    assert.deepEqual(await axeViolations(page), []);
  });

  test('ten thousand events a second do not make the tail stutter', async (t) => {
    const { page } = await browser.open(t, `${live.url}/topics/${TOPIC}?tab=tail`);
    await page.getByText('Waiting for records').waitFor();
    const load = loadOf(live, 10_000);
    const seen = page.locator('[data-figure="tail.seen"]');
    await until(async () => Number((await seen.innerText()).replaceAll(',', '')) > 10_000, { what: 'the load' });
    const { framesPerSecond, scrolledPx, bare } = await smoothness(page, async () => {
      const stop = await watchMainThread(page);
      const scrolling = await scroll(page, '.records', 2_500);
      const { tasksMs, busyMs, wallMs } = await stop();
      t.diagnostic(
        `longest task ${tasksMs[0]?.toFixed(0)} ms, main thread ${Math.round((busyMs / wallMs) * 100)} % busy`,
      );
      assert((tasksMs[0] ?? 0) < MAX_TASK_MS, `a task of ${tasksMs[0]} ms`);
      return scrolling;
    });
    const sent = await load();
    t.diagnostic(
      `${Math.round(sent)} events/s, ${framesPerSecond.toFixed(0)} frames/s, a bare page ${bare.toFixed(0)}`,
    );
    assert(scrolledPx > 0);
    await page.getByText(/newer: scroll up to see them/).waitFor();
    const count = await page.locator('[data-record]').count();
    assert(count > 0 && count < 100, `${count} lines are in the document`);
  });

  test('keys, the planner and the configuration show what the API measured', async (t) => {
    const { page } = await browser.open(t, `${live.url}/topics/${TOPIC}?tab=keys`);
    await page.getByText(/^Counted exactly over/).waitFor();
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole('link', { name: 'Configuration' }).click();
    await page.getByText('retention.ms').waitFor();
    await page.getByRole('link', { name: 'Partitions', exact: true }).click();
    await page.getByRole('table', { name: `Partitions of ${TOPIC}` }).waitFor();
    await page.goto(`${live.url}/topics?tab=plan&target_rps=50000000`);
    const needed = page.locator('[data-figure="plan.partitions"]');
    await until(async () => (await needed.innerText()) === '1,500', { what: 'the plan' });
    await page.getByLabel('Taken from').selectOption(TOPIC);
    await page.getByRole('heading', { name: 'Over 6 partitions' }).waitFor();
    assert.match(page.url(), /source=content-interactions/);
    assert.deepEqual(await axeViolations(page), []);
  });
});

/** As Ctrl-V does, with a clipboard that holds so much. */
function paste(page: Page, bytes: number): Promise<void> {
  return page.evaluate(`{
    const data = new DataTransfer();
    data.setData('text/plain', '{"a":['.repeat(${Math.floor(bytes / 6)}) + ' '.repeat(${bytes % 6}));
    document.querySelector('textarea').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }`);
}

/** Until it is called, which answers how many a second there were. */
function loadOf({ platform: { log } }: LivePlatform, perSecond: number): () => Promise<number> {
  const contents = Array.from({ length: 60 }, (_, at) => `load-${at}`);
  const byPartition = Map.groupBy(contents, (content) => partitionFor(content, 6));
  let stopped = false;
  let sent = 0;
  const start = performance.now();
  const lane = async (partition: number, own: readonly string[]): Promise<void> => {
    let last = start;
    for (let count = 0; !stopped; ) {
      const now = performance.now();
      // what a busy machine is behind with is not caught up: it would be behind the more
      const due = Math.floor((Math.min(now - last, MOST_AT_ONCE_MS) * perSecond) / 1_000 / byPartition.size);
      last = now;
      const records = Array.from({ length: due }, (_, at) =>
        likeOf(own[(count + at) % own.length]!, `${partition}-${count + at}`),
      );
      if (records.length > 0) await log.append({ topic: TOPIC, partition, records });
      count += records.length;
      sent += records.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const lanes = [...byPartition].map(([partition, own]) => lane(partition, own));
  return async () => {
    stopped = true;
    await Promise.all(lanes);
    return sent / ((performance.now() - start) / 1_000);
  };
}

function likeOf(content: string, id: string): NewRecord {
  const event = { event_type: 'post_liked', user_id: 'u_1', content_id: content };
  const stamp = { now: Date.now(), newId: () => id };
  const { key, value, headers } = socialEventCodec.encode(socialEventCodec.accept(event, stamp));
  return { key: Buffer.from(key), value, headers, timestamp: stamp.now };
}
