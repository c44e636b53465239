import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KitError } from '../../../src/kit/errors.ts';
import type { ClusterReport } from '../../../src/kit/monitoring/cluster-report.ts';
import { RecentHistogram } from '../../../src/kit/monitoring/recent-histogram.ts';
import type { OwnGroup } from '../../../src/pipelines/pulse/group-flows.ts';
import { Pulse, type PulseParts } from '../../../src/pipelines/pulse/pulse.ts';
import type { Mark, PulseSample } from '../../../src/pipelines/pulse/pulse-report.ts';
import { until } from '../../support/until.ts';
import { broker, cluster } from './reports.ts';

const TOPIC = 'content-interactions';

class Scene {
  sent = 0;
  applied = 0;
  ends = [0, 0, 0];
  report: ClusterReport = cluster();
  reads = 0;
  health: PulseParts['health'] = async () => this.report;
  listOffsets: PulseParts['log']['listOffsets'] = async (queries) =>
    queries.map(({ partition }) => this.ends[partition]!);
  waitingSince: number | null = null;
  store: PulseParts['store'] = async () => [];
  readonly endToEnd = new RecentHistogram();
  readonly pulse: Pulse;

  constructor() {
    const metrics = () => ({
      messages_sent: this.sent,
      messages_failed: 0,
      queue_size: 0,
    });
    this.pulse = new Pulse({
      log: {
        kind: 'kafka',
        listOffsets: (queries) => this.listOffsets(queries),
        read: async ({ topic, partition, offset }) => {
          this.reads++;
          const record = {
            topic,
            partition,
            offset,
            key: null,
            value: null,
            headers: [],
            timestamp: Date.now() - 30_000,
          };
          return { topic, partition, records: [record], highWatermark: offset + 1 };
        },
      },
      producer: {
        metrics: metrics as PulseParts['producer']['metrics'],
        recentLatency: () => ({ p50_ms: 1, p99_ms: 2 }),
        health: () => ({ stalledSinceMs: null, stalledLanes: [], lastErrorCode: null }),
      },
      controller: { state: 'SYSTEM_STOPPED', cause: null, demo: () => null },
      deadLetters: { depth: async () => 2 },
      store: () => this.store(),
      own: () => [this.#own()],
      health: () => this.health(),
      rebuild: () => null,
    });
  }

  #own(): OwnGroup {
    const at = { topic: TOPIC, partition: 0 };
    return {
      group: 'g',
      handler: 'engagement',
      topics: [TOPIC],
      generation: 1,
      latencies: { endToEnd: this.endToEnd, processing: new RecentHistogram() },
      metrics: {
        uptime_seconds: 1,
        messages_processed: this.applied,
        messages_failed: 0,
        success_rate: 1,
        avg_processing_time_ms: 0,
        dead_letter_count: 0,
        retry_count: 0,
        lag: 0,
        consumer_running: true,
        partitions: [{ ...at, position: this.applied, end_offset: 0, lag: 0, waiting_since: this.waitingSince }],
        parked: 0,
        skipped: 0,
      },
    };
  }

  /** Watched until it is as wanted. */
  async until(wanted: (sample: PulseSample) => boolean): Promise<PulseSample> {
    const { promise, resolve } = Promise.withResolvers<PulseSample>();
    const end = this.pulse.watch((sample) => wanted(sample) && resolve(sample));
    const found = await promise;
    end();
    return found;
  }

  [Symbol.dispose](): void {
    this.pulse.close();
  }
}

describe('the pulse', () => {
  test('a store that is away is told of, and that it is back', async () => {
    using scene = new Scene();
    scene.store = async () => {
      throw new Error('Redis at h:1: connect ECONNREFUSED');
    };
    const away = await scene.until((sample) => sample.troubles.some(({ text }) => /store/.test(text)));
    assert.equal(away.groups[0]?.halted, 'store_unavailable');
    const { troubles } = away;
    assert.match(troubles[0]!.text, /does not answer: Redis at h:1: connect ECONNREFUSED\. Handlers wait/);
    assert.equal(troubles[0]!.severity, 'critical');
    scene.store = async () => [];
    await scene.until(
      ({ troubles, groups }) => groups[0]?.halted === null && !troubles.some(({ text }) => /store/.test(text)),
    );
  });

  test('lag is from own positions to the ends of the log, in seconds by the record that waits', async () => {
    using scene = new Scene();
    scene.ends = [10, 0, 0];
    scene.applied = 4;
    scene.endToEnd.record(12, performance.now());
    const sample = await scene.until(({ topics }) => topics[0]?.end === 10);
    const [own] = sample.groups;
    assert.deepEqual([own?.lag, own?.worst?.partition, own?.applied], [6, 0, 4]);
    assert.ok(own!.lag_seconds! > 29 && own!.lag_seconds! < 35, `${own!.lag_seconds}`);
    assert.equal(scene.reads, 1, 'the same record is not read again');
    assert.equal(sample.end_to_end?.p50_ms, own?.end_to_end?.p50_ms);
    assert.deepEqual(
      sample.troubles.map(({ text }) => text.replace(/\d+ s/, 'N s')),
      [`engagement is N s behind on ${TOPIC}/0 (6 records in all)`, '2 dead letters are open'],
    );
    scene.waitingSince = Date.now() - 5_000;
    const known = await scene.until(({ groups }) => groups[0]!.lag_seconds! < 10);
    assert.ok(known.groups[0]!.lag_seconds! >= 5);
  });

  test('what is read here has its place however many topics there are', async () => {
    using scene = new Scene();
    const [own] = scene.report.topics;
    const others = Array.from({ length: 100 }, (_, n) => ({ ...own!, name: `a${n}` }));
    scene.report = cluster({ topics: [...others, { ...own!, name: `${TOPIC}.dlq` }, own!] });
    const { topics } = await scene.until((sample) => sample.topics.length > 0);
    assert.equal(topics.length, 64);
    assert.deepEqual(
      topics.slice(0, 2).map(({ name }) => name),
      [`${TOPIC}.dlq`, TOPIC],
    );
  });

  test('rates are measured from one sample to the next', async () => {
    using scene = new Scene();
    await scene.pulse.sample();
    scene.sent = 1_000;
    const { producer, at } = await scene.until(({ producer }) => producer.per_second > 0);
    assert.ok(producer.per_second > 200 && producer.per_second < 4_000, `${producer.per_second} at ${at}`);
    assert.deepEqual([producer.sent, producer.p50_ms], [1_000, 1]);
  });

  test('one sampling serves all who watch, and marks are told once to each', async () => {
    using scene = new Scene();
    await scene.pulse.sample();
    const seen: { samples: PulseSample[]; marks: Mark[] }[] = [1, 2].map(() => ({ samples: [], marks: [] }));
    const ends = seen.map(({ samples, marks }) =>
      scene.pulse.watch((sample, news) => {
        samples.push(sample);
        marks.push(...news);
      }),
    );
    scene.report = cluster({ brokers: [broker(1), broker(2, { state: 'FAILED', answers: false }), broker(3)] });
    await until(() => seen[0]!.samples.length >= 4);
    assert.deepEqual(seen[0], seen[1]);
    assert.equal(new Set(seen[0]!.samples).size, seen[0]!.samples.length);
    assert.deepEqual(
      seen[0]!.marks.map(({ kind }) => kind),
      ['broker'],
    );
    for (const end of ends) end();
    assert.equal(scene.pulse.marks.since().length, 1);
  });

  test('a log that does not answer delays nothing: what was known is told, and rates of it are not made up', async () => {
    using scene = new Scene();
    await scene.until(({ topics }) => topics[0]?.end === 0);
    scene.health = () => new Promise(() => {});
    scene.listOffsets = () => Promise.reject(new KitError('LOG_UNAVAILABLE', 'gone', { retriable: true }));
    scene.sent = 7;
    const { log, topics, producer } = await scene.until(({ producer }) => producer.sent === 7);
    assert.deepEqual([log.status, topics[0]?.end, producer.sent], ['healthy', 0, 7]);
  });

  test('before the first look nothing is known, and said so', async () => {
    using scene = new Scene();
    scene.health = () => new Promise(() => {});
    const { log, topics, troubles } = await scene.pulse.sample();
    assert.deepEqual([log.status, log.controller_id, log.offline_partitions, topics], [null, null, null, []]);
    assert.ok(troubles.every(({ link }) => link !== '/cluster'));
  });
});
