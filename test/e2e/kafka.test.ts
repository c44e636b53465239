/**
 * The platform on real Kafka and Redis. One file, one case after the other: its topics have fixed names, and all tests
 * share a cluster.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { kafkaLibraries } from '../../src/cluster/artifacts.ts';
import { classArchiveFlags } from '../../src/cluster/class-archive.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { partitionFor } from '../../src/kit/log/partitioner.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import {
  KAFKA_COMPONENTS,
  kafkaForTests,
  redisForTests,
  type TestKafka,
  testCacheDirectory,
} from '../support/cluster.ts';
import { assertStatesEqualFolds } from '../support/handler-states.ts';
import { JVM } from '../support/java-tools.ts';
import { parkedWithFollowers, poisonToCounted } from '../support/poison-to-counted.ts';
import { missing } from '../support/requirements.ts';
import { losesItsConnectionTwice } from '../support/stream-reconnect.ts';
import { dataDirectory, getJson, run, untilQuiet, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

const sample = fileURLToPath(new URL('../../assets/activity-sample.ndjson.gz', import.meta.url));
const TOPIC = 'content-interactions';
const TIME = '2026-05-27T14:00:00Z';

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

describe('the platform on Kafka and Redis', { skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false }, () => {
  let kafka: TestKafka;
  let redis: Awaited<ReturnType<typeof redisForTests>>;
  let libraries: string;

  before(async () => {
    [kafka, redis, libraries] = await Promise.all([
      kafkaForTests(),
      redisForTests(),
      kafkaLibraries(testCacheDirectory(), () => {}),
    ]);
  });
  after(async () => {
    await Promise.all([kafka?.stop(), redis?.stop()]);
  });

  /** A consumer group and a Redis database of the case's own. */
  const flags = (db: number) => [
    ...['--log', 'kafka', '-b', kafka.bootstrap.join(','), '--group-id', `e2e-${db}`],
    ...['--redis-host', redis.host, '--redis-port', String(redis.port), '--redis-db', String(db)],
  ];

  it('takes the real events and counts as a fold of the file does', async (t) => {
    const directory = await dataDirectory(t);
    const imported = await run(['events', 'import', sample, '--data-dir', directory, ...flags(1)]);
    assert.equal(imported.code, 0, imported.stderr);
    const server = await up(t, directory, ['--no-demo', ...flags(1)]);
    await untilQuiet(server.url);
    const verified = await run(['verify', '--data-dir', directory, ...flags(1)]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    for (const [content, likes] of await likesOf(sample)) {
      const counters = await getJson<{ likes: number }>(
        `${server.url}/api/v1/engagement/${encodeURIComponent(content)}`,
      );
      assert.equal(counters.likes, likes, content);
    }
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('poison of a plain producer lands in the DLQ with its bytes, and counts once after a repair', async (t) => {
    const directory = await dataDirectory(t);
    const log = await KafkaLog.connect({ bootstrap: kafka.bootstrap });
    t.after(() => log.close());
    const server = await up(t, directory, ['--no-demo', ...flags(3)]);
    const key = `poison-${Date.now()}`;
    const partition = partitionFor(key, 6);
    const poison = [
      { key: Buffer.from(key), value: Buffer.from('not json') },
      { key: Buffer.from(key), value: Buffer.from(likeOf(key).replace('user_id', 'reader_id')) },
      { key: null, value: Buffer.from(likeOf(key)) },
      { key: Buffer.from(key), value: null },
      { key: Buffer.from(key), value: Buffer.alloc(900 * 1024, 'x') },
    ];
    const records = poison.map((record) => ({
      ...record,
      headers: [['origin', Buffer.from('plain')]] as const,
      timestamp: Date.now(),
    }));
    const { baseOffset } = await log.append({ topic: TOPIC, partition, records });
    const healthy = await publishOne(server.url, key);
    const after = await getJson<{ likes: number }>(
      `${server.url}/api/v1/engagement/${key}?after=${TOPIC}:${healthy.partition}:${healthy.offset}&timeout_ms=10000`,
    );
    assert.equal(after.likes, 1, 'the partition goes on behind the poison');

    const idOf = (index: number) => `e2e-3/${TOPIC}/${partition}/${baseOffset + index}`;
    const letters = await run(['dlq', 'list', '--json', '--limit', '1000', '--data-dir', directory]);
    const entries = new Map(
      letters.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; code: string })
        .map((entry) => [entry.id, entry.code]),
    );
    assert.deepEqual(
      poison.map((_, index) => entries.get(idOf(index))),
      ['NOT_JSON', 'SCHEMA_MISMATCH', 'MISSING_KEY', 'NULL_VALUE', 'NOT_JSON'],
    );
    const [letter] = await deadLettersOf(log, idOf(4));
    assert.deepEqual(letter!.value, poison[4]!.value);
    assert.deepEqual(letter!.key, poison[4]!.key);
    const headers = new Map(letter!.headers.map(([name, value]) => [name, value?.toString()]));
    assert.equal(headers.get('origin'), 'plain');
    assert.equal(headers.get('__dlq.errors.topic'), TOPIC);
    assert.equal(headers.get('__dlq.errors.partition'), String(partition));
    assert.equal(headers.get('__dlq.errors.offset'), String(baseOffset + 4));
    assert.equal(headers.get('__dlq.errors.group'), 'e2e-3');
    assert.ok(
      headers.has('__dlq.errors.message') &&
        headers.has('__dlq.errors.delivery.count') &&
        headers.has('streamsocial-error-code'),
    );

    const repair = ['dlq', 'replay', idOf(2), '--key', key, '--data-dir', directory, '--json'];
    const planned = JSON.parse((await run(repair)).stdout) as { status: string };
    assert.equal(planned.status, 'planned');
    for (const expected of [2, 2]) {
      const sent = await run([...repair, '--execute']);
      assert.equal(sent.code, 0, sent.stderr);
      const place = JSON.parse(sent.stdout) as Place;
      const counted = await getJson<{ likes: number }>(
        `${server.url}/api/v1/engagement/${key}?after=${TOPIC}:${place.partition}:${place.offset}&timeout_ms=10000`,
      );
      assert.equal(counted.likes, expected, 'replayed once or twice, counted once');
    }
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('poison made over HTTP is found, edited, checked, replayed and counted once; a failing event is seen waiting', async (t) => {
    const server = await up(t, await dataDirectory(t), ['--no-demo', ...flags(6)]);
    await poisonToCounted(server.url, 'e2e-6');
    await parkedWithFollowers(server.url, 'e2e-6');
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it("the handlers' states after a demo equal independent folds of the whole log", async (t) => {
    const dataDir = await dataDirectory(t);
    const { settings } = loadSettings({ flags: { ...parsed(flags(4)), dataDir }, env: {} });
    const platform = await openPlatform(settings, { consume: true });
    t.after(() => platform.close());
    platform.controller.startDemo({ events: 3_000, seed: 13, ratePerSecond: 0 });
    const demo = await platform.controller.demoEnded();
    assert.equal(demo.balanced, true, JSON.stringify(demo));
    await assertStatesEqualFolds(platform);
  });

  it("Java's console consumer reads our records, and its console producer's keys land beside ours", async (t) => {
    const directory = await dataDirectory(t);
    const server = await up(t, directory, ['--no-demo', ...flags(4)]);
    const key = `java-${Date.now()}`;
    const ours = await publishOne(server.url, key);
    const consumer = java(t, libraries, 'org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...[
        '--bootstrap-server',
        kafka.bootstrap.join(','),
        '--topic',
        TOPIC,
        '--partition',
        String(ours.partition),
        '--offset',
        String(ours.offset),
      ],
      ...['--max-messages', '1', '--timeout-ms', '60000'],
      ...['--property', 'print.key=true', '--property', 'print.headers=true', '--property', 'print.partition=true'],
    ]);
    const line = await consumer.output;
    assert.match(line, new RegExp(key));
    assert.match(line, new RegExp(`ce_id:${ours.event_id}`));

    const producer = java(t, libraries, 'org.apache.kafka.tools.ConsoleProducer', [
      ...['--bootstrap-server', kafka.bootstrap.join(','), '--topic', TOPIC],
      ...['--property', 'parse.key=true', '--property', 'key.separator=|'],
    ]);
    producer.child.stdin!.end(`${key}|${likeOf(key)}\n`);
    await producer.output;
    await until(async () => (await getJson<{ likes: number }>(`${server.url}/api/v1/engagement/${key}`)).likes === 2, {
      what: "Java's like",
    });
    const page = await getJson<{ records: { key: string }[] }>(
      `${server.url}/api/v1/events?topic=${TOPIC}&partition=${ours.partition}&offset=${ours.offset}`,
    );
    assert.equal(page.records.filter((record) => record.key === key).length, 2, 'both in one partition');
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('a WebSocket client that loses its connection twice receives every event once, in order per key', async (t) => {
    const server = await up(t, await dataDirectory(t), ['--no-demo', ...flags(4)]);
    await losesItsConnectionTwice(server, `stream-${Date.now()}`);
    assert.equal(await server.end('SIGTERM'), 0);
  });

  // last: every group after these reads all that they have written
  it('a projection is rebuilt under 2,000 events a second, swapped in, and equals the fold', async (t) => {
    const directory = await dataDirectory(t);
    const events = 16_000;
    const demo = ['--demo-events', String(events), '--demo-rate', '2000', '--demo-seed', '17'];
    const server = await up(t, directory, [...demo, ...flags(5)]);
    const published = async () => {
      const { demo } = await getJson<{ demo: { published: number } | null }>(`${server.url}/api/status`);
      return demo?.published ?? 0;
    };
    const before = await until(async () => ((await published()) > 1_000 ? published() : null), { what: 'the traffic' });
    const address = `${server.url}/api/v1/projections/engagement/rebuild`;
    const headers = { 'content-type': 'application/json' };
    const begun = await fetch(address, { method: 'POST', headers, body: '{"shadow":true}' });
    assert.equal(begun.status, 202, await begun.text());
    const report = await until(
      async () => {
        const now = await getJson<{ state: string; swapped: boolean; version: number }>(address);
        return now.state !== 'RUNNING' && now;
      },
      { timeoutMs: 60_000, what: 'the rebuild' },
    );
    assert.deepEqual([report.state, report.swapped, report.version], ['DONE', true, 2]);
    assert.ok((await published()) > before, 'there was traffic meanwhile');
    await until(async () => (await published()) >= events, { timeoutMs: 60_000, what: 'the end of the traffic' });
    await untilQuiet(server.url);
    const verified = await run(['verify', '--data-dir', directory, '--json', ...flags(5)]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.equal(JSON.parse(verified.stdout).differing, 0);
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('kill -9 of one of two processes under load: each event is counted once', async (t) => {
    const [first, second] = await Promise.all([
      up(t, join(await dataDirectory(t), 'a'), ['--no-demo', ...flags(2)]),
      up(t, join(await dataDirectory(t), 'b'), ['--no-demo', ...flags(2)]),
    ]);
    const content = `killed-${Date.now()}`;
    const load = publishLikes(first.url, content, 20_000);
    await until(async () => (await ownedPartitions(second.url)) > 0, {
      what: 'partitions for the second process',
      timeoutMs: 60_000,
    });
    await second.end('SIGKILL');
    const third = await up(t, join(await dataDirectory(t), 'c'), ['--no-demo', ...flags(2)]);
    const published = await load;
    await until(async () => (await ownedPartitions(first.url)) + (await ownedPartitions(third.url)) === 6, {
      what: 'all partitions owned',
      timeoutMs: 60_000,
    });
    await Promise.all([untilQuiet(first.url), untilQuiet(third.url)]);
    const counted = await getJson<{ likes: number }>(`${first.url}/api/v1/engagement/${content}`);
    assert.equal(counted.likes, published);
    const verified = await run(['verify', '--data-dir', join(await dataDirectory(t), 'v'), ...flags(2)]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    await Promise.all([first.end('SIGTERM'), third.end('SIGTERM')]);
  });
});

function likeOf(content: string): string {
  return JSON.stringify({ event_type: 'post_liked', user_id: 'u_1', content_id: content, timestamp: TIME });
}

async function publishOne(url: string, content: string): Promise<Place & { readonly event_id: string }> {
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: likeOf(content),
  });
  assert.equal(response.status, 201);
  return (await response.json()) as Place & { event_id: string };
}

/** In batches of 500; answers how many were acknowledged. */
async function publishLikes(url: string, content: string, count: number): Promise<number> {
  let acknowledged = 0;
  for (let sent = 0; sent < count; sent += 500) {
    const batch = Array.from({ length: 500 }, (_, i) => ({
      ...(JSON.parse(likeOf(i % 2 === 0 ? content : `${content}-${i}`)) as object),
      user_id: `u_${sent + i}`,
    }));
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch),
    });
    const { results } = (await response.json()) as { results: { status: number }[] };
    acknowledged += results.filter(({ status }, i) => status === 201 && i % 2 === 0).length;
    assert.ok(
      results.every(({ status }) => status === 201),
      JSON.stringify(results.find(({ status }) => status !== 201)),
    );
  }
  return acknowledged;
}

async function ownedPartitions(url: string): Promise<number> {
  return (await getJson<{ partitions: unknown[] }>(`${url}/api/v1/metrics/consumer`)).partitions.length;
}

async function likesOf(file: string): Promise<Map<string, number>> {
  const likes = new Map<string, number>();
  for (const line of gunzipSync(await readFile(file))
    .toString()
    .trim()
    .split('\n')) {
    const event = JSON.parse(line) as { event_type: string; content_id: string };
    if (event.event_type === 'post_liked') likes.set(event.content_id, (likes.get(event.content_id) ?? 0) + 1);
  }
  return likes;
}

/** `--redis-port 1` as the settings take it: `redisPort`. */
function parsed(flags: readonly string[]): Record<string, string> {
  const names: Readonly<Record<string, string>> = { '-b': 'bootstrap', '--log': 'log', '--group-id': 'groupId' };
  const pairs = Array.from({ length: flags.length / 2 }, (_, n) => [flags[2 * n]!, flags[2 * n + 1]!] as const);
  const camel = (flag: string) => flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(pairs.map(([flag, value]) => [names[flag] ?? camel(flag), value]));
}

async function deadLettersOf(log: KafkaLog, id: string) {
  const [group, topic, partition, offset] = id.split('/');
  const { topics } = await log.describe([`${topic}.dlq`]);
  const found = [];
  for (const { partition: at } of topics[0]!.partitions) {
    const [end] = await log.listOffsets([{ topic: `${topic}.dlq`, partition: at, at: 'latest' }]);
    for (let next = 0; next < end!; ) {
      const { records } = await log.read({ topic: `${topic}.dlq`, partition: at, offset: next, maxWaitMs: 1000 });
      for (const record of records) {
        const header = (name: string) => record.headers.find(([one]) => one === name)?.[1]?.toString();
        if (
          header('__dlq.errors.group') === group &&
          header('__dlq.errors.partition') === partition &&
          header('__dlq.errors.offset') === offset
        )
          found.push(record);
      }
      next = (records.at(-1)?.offset ?? next) + 1;
    }
  }
  return found;
}

function java(t: TestContext, libraries: string, mainClass: string, args: readonly string[]) {
  const flags = [...JVM, ...classArchiveFlags(libraries)];
  const child = spawn('java', [...flags, '-cp', join(libraries, '*'), mainClass, ...args]);
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const output = once(child, 'close').then(([code]) => {
    assert.equal(code, 0, errors);
    return text;
  });
  return { child, output };
}
