/**
 * The numbers on the page agree with the log. Another client of Kafka's protocol folds the log by itself; what the page shows may not be
 * behind what was in the log when it was asked to show it, nor ahead of what is in it afterwards, and is exactly that when all is quiet.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { KAFKA_COMPONENTS, startTestCluster } from '../support/cluster.ts';
import { publishEvents } from '../support/events.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { type Folded, LogReader } from '../support/log-reader.ts';
import { figure, numberIn, tableRows } from '../support/page-numbers.ts';
import { missing } from '../support/requirements.ts';
import { untilQuiet } from '../support/streamsocial.ts';
import { teardown } from '../support/teardown.ts';
import { until } from '../support/until.ts';
import { isSettled } from '../support/views.ts';

const TOPIC = 'content-interactions';
const TOPICS = ['user-actions', TOPIC, 'system-events', `${TOPIC}.dlq`];
/** A group without members, which has read this much of each partition: its lag is what came after. */
const AUDITOR = 'auditor';
const AUDITED = 3;
const CONTENT = 'post_0';
/** So many that every partition has some. */
const CONTENTS = 40;
const SHOWN_WITHIN_MS = 10_000;
const ROUNDS = 3;

const sum = (numbers: readonly number[] = []) => numbers.reduce((total, one) => total + one, 0);
const endsOf = (topic: string) => (log: Folded) => sum(log.ends.get(topic));

interface Shown {
  readonly what: string;
  readonly address: string;
  readonly on: (page: Page) => Promise<number>;
  readonly inLog: (log: Folded) => number;
}

const SHOWN: readonly Shown[] = [
  {
    what: 'open dead letters on the start page',
    address: '/',
    on: (page) => figure(page, 'dead-letters'),
    inLog: ({ deadLetters }) => deadLetters,
  },
  ...TOPICS.map((topic) => ({
    what: `records of ${topic} in the list`,
    address: '/topics',
    on: (page: Page) => figure(page, `records.${topic}`),
    inLog: endsOf(topic),
  })),
  {
    what: 'records of the topic on its own page',
    address: `/topics/${TOPIC}?tab=partitions`,
    on: (page) => figure(page, 'topic.records'),
    inLog: endsOf(TOPIC),
  },
  {
    what: 'end offset of partition 2',
    address: `/topics/${TOPIC}?tab=partitions`,
    on: async (page) => {
      const rows = await tableRows(page, `Partitions of ${TOPIC}`);
      return numberIn(rows.find(({ Partition }) => Partition === '2')!['End offset']!);
    },
    inLog: ({ ends }) => ends.get(TOPIC)![2]!,
  },
  {
    what: "the auditor's lag",
    address: `/consumers/${AUDITOR}`,
    on: (page) => figure(page, 'lag'),
    inLog: ({ ends }) => sum(ends.get(TOPIC)!.map((end) => end - AUDITED)),
  },
  {
    what: "the auditor's lag on partition 1",
    address: `/consumers/${AUDITOR}`,
    on: async (page) => {
      const rows = await tableRows(page, `Partitions of ${AUDITOR}`);
      return numberIn(rows.find(({ Partition }) => Partition === '1')!['Lag, records']!);
    },
    inLog: ({ ends }) => ends.get(TOPIC)![1]! - AUDITED,
  },
  {
    what: 'open dead letters among the failures',
    address: '/failures',
    on: (page) => figure(page, 'dlq-depth'),
    inLog: ({ deadLetters }) => deadLetters,
  },
  {
    what: `likes of ${CONTENT}`,
    address: `/state/engagement/${CONTENT}`,
    on: async (page) => {
      const rows = await tableRows(page, `Fields of ${CONTENT}`);
      return numberIn(rows.find(({ Field }) => Field === 'likes')!.Now!);
    },
    inLog: ({ likes }) => likes.get(CONTENT) ?? 0,
  },
];

/** Likes of ten contents over all partitions, and what cannot be read, until the answer is called. */
function load(url: string, reader: LogReader): () => Promise<void> {
  let going = true;
  const run = async (): Promise<void> => {
    for (let turn = 0; going; turn++) {
      await publishEvents(url, 20);
      if (turn % 5 === 0) await reader.write(TOPIC, `poison_${turn}`, '{"event_type":');
    }
  };
  const ended = run();
  return () => {
    going = false;
    return ended;
  };
}

/** @param before what was in the log at a time when this has not been asked for yet */
async function shownBetween(shown: Shown, before: Folded, page: Page, reader: LogReader): Promise<void> {
  const { what, inLog } = shown;
  const least = inLog(before);
  const { value } = await shownWhen(shown, page, (value) => value >= least, `${what} to reach ${least}`);
  const most = inLog(await reader.now());
  assert.ok(value <= most, `${what}: the page shows ${value}, in the log are ${most}`);
}

/** In an object: zero would be no answer. */
function shownWhen({ on }: Shown, page: Page, isRight: (value: number) => boolean, what: string) {
  const look = async () => {
    const value = await on(page);
    return isRight(value) && { value };
  };
  return until(look, { timeoutMs: SHOWN_WITHIN_MS, everyMs: 50, what });
}

const WHERE = [
  { name: 'embedded', skip: noBrowser },
  { name: 'Kafka', skip: noBrowser || (missing(...KAFKA_COMPONENTS, 'redis-server') ?? false) },
];

for (const { name, skip } of WHERE) {
  describe(`the numbers on the page agree with the log, ${name}`, { skip }, () => {
    const browser = browserForTests();
    const opened = new AsyncDisposableStack();
    let live: LivePlatform;
    let reader: LogReader;

    before(async () => {
      const flags: Record<string, string> = {};
      if (name === 'Kafka') {
        const cluster = opened.adopt(await startTestCluster({ brokers: 1, redis: true }), (open) => open.stop());
        Object.assign(flags, {
          log: 'kafka',
          bootstrap: cluster.bootstrap.join(','),
          redisPort: String(cluster.redis!.port),
        });
      }
      live = opened.use(await launchPlatform({ flags }));
      const { broker } = live.platform;
      const bootstrap = broker === null ? live.settings.kafkaBootstrap : [broker];
      await publishEvents(live.url, 200, CONTENTS);
      reader = opened.adopt(await LogReader.open(bootstrap, TOPICS), (open) => open.close());
      const ends = await reader.ends(TOPIC);
      assert.ok(
        ends.every((end) => end > AUDITED),
        ends.join(', '),
      );
      await reader.commit(
        AUDITOR,
        TOPIC,
        ends.map(() => AUDITED),
      );
    });
    after(() => opened.disposeAsync());

    async function pagesFor(t: TestContext): Promise<ReadonlyMap<string, Page>> {
      const pages = new Map<string, Page>();
      for (const { address } of SHOWN) {
        if (pages.has(address)) continue;
        const { page } = await browser.open(t, live.url + address);
        await isSettled(page);
        pages.set(address, page);
      }
      return pages;
    }

    test('while load runs, and after it', async (t) => {
      const pages = await pagesFor(t);
      const stop = load(live.url, reader);
      teardown(t).defer(stop);
      for (let round = 1; round <= ROUNDS; round++) {
        const log = await reader.now();
        await Promise.all(SHOWN.map((shown) => shownBetween(shown, log, pages.get(shown.address)!, reader)));
      }
      await stop();
      await untilQuiet(live.url);

      const log = await reader.now();
      assert.ok(log.deadLetters > 0, 'some were dead letters');
      for (const shown of SHOWN) {
        const expected = shown.inLog(log);
        const page = pages.get(shown.address)!;
        await shownWhen(shown, page, (value) => value === expected, `${shown.what} to be ${expected}`);
      }
    });
  });
}
