/**
 * `npm run screenshots`: docs/images/<view>-{light,dark}.png, the seven views at 1280 by 800 while a demo with failures runs, on a
 * platform of its own; the cluster on three brokers and Redis, where those can be had.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, noBrowser, type Theme } from '../test/support/browser.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../test/support/cluster.ts';
import { type DemoScene, demoScene } from '../test/support/demo-scene.ts';
import { launchPlatform } from '../test/support/live-platform.ts';
import { missing } from '../test/support/requirements.ts';
import { isSettled, TOPIC } from '../test/support/views.ts';

interface Shot {
  readonly view: string;
  readonly addressOf: (scene: DemoScene) => string;
}

const IMAGES = join(import.meta.dirname, '..', 'docs', 'images');
const SIZE = { width: 1280, height: 800 };
const THEMES: readonly Theme[] = ['light', 'dark'];
const SEED = 5;
/** Slow enough to be running while the pictures are taken, fast enough for curves. */
const EVENTS_PER_SECOND = 250;
/** A good part of it has passed when the pictures are taken, and it goes on until the last one. */
const EVENTS = 50_000;
/** Until charts over time have something to show. */
const WARM_UP_MS = 45_000;
/** For what a view asks for after it has appeared, and for its first samples. */
const LOOK_MS = 4_000;

const SHOTS: readonly Shot[] = [
  { view: 'pulse', addressOf: () => '/' },
  { view: 'topics', addressOf: () => `/topics/${TOPIC}?tab=tail` },
  { view: 'journey', addressOf: ({ eventId }) => `/journey/${eventId}` },
  { view: 'consumers', addressOf: () => '/consumers' },
  { view: 'failures', addressOf: () => '/failures' },
  { view: 'state', addressOf: ({ contentId }) => `/state/engagement/${contentId}` },
];

await main();

async function main(): Promise<void> {
  if (noBrowser !== false) throw new Error(noBrowser);
  await mkdir(IMAGES, { recursive: true });
  await using browser = await launchBrowser();
  await cluster(browser);
  await using scene = await demoScene({ events: 4_000, seed: SEED, poisonShare: 0.02 });
  const { platform, url } = scene.live;
  platform.controller.startDemo({
    events: EVENTS,
    seed: SEED + 1,
    ratePerSecond: EVENTS_PER_SECOND,
    poisonShare: 0.01,
  });
  console.log(`a demo runs for ${WARM_UP_MS / 1000} s, for the charts …`);
  await delay(WARM_UP_MS);
  for (const { view, addressOf } of SHOTS) await shoot(browser, view, url + addressOf(scene));
}

/** On three brokers; on the embedded log, which says what it lacks, where they cannot be had. */
async function cluster(browser: Browser): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const lack = missing(...KAFKA_COMPONENTS, 'redis-server');
  const flags: Record<string, string> = {};
  if (lack === undefined) {
    const dataDir = opened.adopt(await mkdtemp(join(tmpdir(), 'streamsocial-screenshots-')), (path) =>
      rm(path, { recursive: true, force: true }),
    );
    const directory = join(dataDir, 'cluster');
    await mkdir(directory);
    const started = opened.adopt(
      await startTestCluster({ brokers: 3, redis: true, directory, onProgress: console.log }),
      (open) => open.stop(),
    );
    const redisPort = String(started.redis!.port);
    Object.assign(flags, { dataDir, log: 'kafka', bootstrap: started.bootstrap.join(','), redisPort });
  } else {
    console.log(`the cluster on the embedded log: ${lack}`);
  }
  const { platform, url } = opened.use(await launchPlatform({ flags }));
  platform.controller.startDemo({ events: EVENTS, seed: SEED, ratePerSecond: EVENTS_PER_SECOND });
  await delay(WARM_UP_MS / 2);
  await shoot(browser, 'cluster', `${url}/cluster`);
}

async function shoot(browser: Browser, view: string, url: string): Promise<void> {
  for (const theme of THEMES) {
    const context = await browser.newContext({
      viewport: SIZE,
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    try {
      const page = await context.newPage();
      await page.goto(url);
      await isSettled(page);
      await delay(LOOK_MS);
      await take(page, `${view}-${theme}.png`);
    } finally {
      await context.close();
    }
  }
}

async function take(page: Page, name: string): Promise<void> {
  const { length } = await page.screenshot({ path: join(IMAGES, name) });
  console.log(`docs/images/${name} (${Math.round(length / 1024)} KiB)`);
}
