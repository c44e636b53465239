/** What a page costs while ten thousand events a second pass by, and when it stays open for hours. */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import type { Page, WebSocketRoute } from 'playwright-core';
import type { Sample } from '../../src/api/pulse-sample.ts';
import type { RecordJson } from '../../src/api/record-json.ts';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { publishEvents } from '../support/events.ts';
import { dashboardIsBuilt, platformForTests } from '../support/live-platform.ts';
import { heapBytes, scroll, smoothness, watchMainThread } from '../support/page-checks.ts';
import { dataDirectory, getJson, type Server, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';
import { isSettled, TOPIC } from '../support/views.ts';

const EVENTS_PER_SECOND = 10_000;
/** A machine that gives less than this has proved nothing. */
const MIN_EVENTS_PER_SECOND = 500;
const LONG_TASK_MS = 50;
const WATCH_MS = 3_000;

/** Until all that is bounded is full: the longest history has ten minutes. */
const FULL_MINUTES = 12;
const WINDOW_MINUTES = 5;
const MAX_GROWTH_BYTES = 96 * 1024;
const SAMPLES_A_MINUTE = 120;
const TAILS_A_MINUTE = 240;
const RECORDS_A_FRAME = 20;
const SAMPLES_AT_ONCE = 20;

const TAIL = `/topics/${TOPIC}?tab=tail`;
const TAIL_ROWS = `[aria-label="Newest records of ${TOPIC}"]`;

/** In a process of its own: what it does must not delay the test. */
async function serverUnderLoad(t: TestContext): Promise<Server> {
  const demo = ['--demo-events', '2000000', '--demo-rate', String(EVENTS_PER_SECOND), '--demo-seed', '3'];
  const server = await up(t, await dataDirectory(t), demo);
  await until(async () => (await published(server)) > 0, { what: 'the traffic' });
  return server;
}

async function published({ url }: Server): Promise<number> {
  const { demo } = await getJson<{ demo: { published: number } | null }>(`${url}/api/status`);
  return demo?.published ?? 0;
}

describe('a page that stays open', { skip: noBrowser }, () => {
  const browser = browserForTests();
  before(dashboardIsBuilt);

  test(`nothing stutters while ${EVENTS_PER_SECOND} events a second pass`, async (t) => {
    const server = await serverUnderLoad(t);
    for (const [address, scrolled] of [
      ['/', 'html'],
      [TAIL, TAIL_ROWS],
    ] as const) {
      const { page } = await browser.open(t, server.url + address);
      await isSettled(page);
      await page.locator(scrolled).waitFor();
      const { framesPerSecond, scrolledPx, bare } = await smoothness(page, async () => {
        const before = await published(server);
        const stop = await watchMainThread(page);
        const scrolling = await scroll(page, scrolled, WATCH_MS);
        const { tasksMs, busyMs, wallMs } = await stop();
        const rate = (((await published(server)) - before) * 1_000) / wallMs;
        const longest = tasksMs[0] ?? 0;
        t.diagnostic(
          `${address}: ${rate.toFixed(0)} events/s; main thread ${((busyMs * 100) / wallMs).toFixed(1)} % busy, longest task ${longest.toFixed(1)} ms`,
        );
        assert.ok(rate >= MIN_EVENTS_PER_SECOND, `${rate} events/s`);
        assert.ok(longest <= LONG_TASK_MS, `a task took the processor for ${longest} ms`);
        return scrolling;
      });
      t.diagnostic(
        `${address}: ${framesPerSecond.toFixed(0)} frames/s, a bare page ${bare.toFixed(0)}, ${scrolledPx} px`,
      );
      if (address === TAIL) assert.ok(scrolledPx > 1_000, `${scrolledPx} px were scrolled`);
      await page.close();
    }
  });

  test('what it keeps does not grow with the hours', async (t) => {
    const { url, platform } = await platformForTests(t);
    platform.controller.startDemo({ events: 400, seed: 3, ratePerSecond: 0 });
    await platform.controller.demoEnded();
    for (const address of ['/', TAIL]) {
      const feed = new Feed();
      const { page } = await browser.open(t, url + address, { prepare: (opening) => feed.takeOver(opening) });
      await isSettled(page);
      if (address === TAIL) await publishEvents(url, 10);
      await feed.ready(address === TAIL);
      await feed.pass(page, FULL_MINUTES, 0);
      await feed.pass(page, 1);
      const sizes = [await heapBytes(page)];
      for (let window = 1; window <= 2; window++) {
        await feed.pass(page, WINDOW_MINUTES);
        sizes.push(await heapBytes(page));
      }
      // what leaks grows every time, and what the engine keeps for itself does not
      const grown = Math.min(sizes[1]! - sizes[0]!, sizes[2]! - sizes[1]!);
      t.diagnostic(
        `${address}: heap ${sizes.join(', ')} bytes, ${WINDOW_MINUTES} minutes between; ${feed.frames} frames`,
      );
      assert.ok(grown < MAX_GROWTH_BYTES, `the heap of ${address} grew by ${grown} bytes`);
      await page.close();
    }
  });
});

interface Frame {
  readonly type: string;
  readonly subscription: string;
  readonly sample?: Sample;
  readonly records?: readonly RecordJson[];
}

/** Between the page and its server: what the server says once is said again as if hours passed. */
class Feed {
  frames = 0;
  #socket: WebSocketRoute | null = null;
  #pulse: Frame | null = null;
  #tail: Frame | null = null;
  #nowMs = 0;
  #offset = 1_000_000;

  takeOver(page: Page): Promise<void> {
    return page.routeWebSocket(/\/stream$/, (socket) => {
      this.#socket = socket;
      const server = socket.connectToServer();
      server.onMessage((message) => {
        const frame = JSON.parse(String(message)) as Frame;
        if (frame.type === 'tail') this.#tail = frame;
        if (frame.type === 'pulse' && frame.sample !== undefined) this.#pulse = frame;
        // once the hours pass, the server's own clock would turn them back
        if (this.#nowMs === 0) socket.send(message);
      });
    });
  }

  async ready(tails: boolean): Promise<void> {
    await until(() => this.#pulse !== null && (!tails || this.#tail !== null), { what: 'a first frame of each kind' });
    this.#nowMs = Date.parse(this.#pulse!.sample!.at);
  }

  /** Frames as they come, as many as minutes have of them. */
  async pass(page: Page, minutes: number, tailsAMinute = TAILS_A_MINUTE): Promise<void> {
    const tails = this.#tail === null ? 0 : tailsAMinute / SAMPLES_A_MINUTE;
    for (let sample = 0; sample < minutes * SAMPLES_A_MINUTE; sample++) {
      this.#nowMs += 60_000 / SAMPLES_A_MINUTE;
      this.#send(this.#pulseFrame(this.#pulse!));
      for (let tail = 0; tail < tails; tail++) this.#send(this.#tailFrame(this.#tail!));
      // it has drawn these before the next ones come
      if (sample % SAMPLES_AT_ONCE === 0) await page.evaluate('new Promise(requestAnimationFrame)');
    }
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  }

  #send(frame: object): void {
    this.frames += 1;
    this.#socket!.send(JSON.stringify(frame));
  }

  #pulseFrame({ type, subscription, sample }: Frame): object {
    const at = new Date(this.#nowMs).toISOString();
    const isMarked = Math.random() < 0.02;
    const mark = { at, kind: 'demo', text: `a mark at ${at}`, link: null };
    return { type, subscription, sample: { ...sample, at }, marks: isMarked ? [mark] : [] };
  }

  #tailFrame({ type, subscription, records }: Frame): object {
    const model = records![0]!;
    const news = Array.from({ length: RECORDS_A_FRAME }, () => ({
      ...model,
      offset: ++this.#offset,
      timestamp: this.#nowMs,
    }));
    return { type, subscription, records: news, seen: 2_500, matched: 2_500, skipped: 2_500 - RECORDS_A_FRAME };
  }
}
