import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { API } from '@platformatic/kafka';
import { unavailable } from '../../../../src/kit/log/kafka/errors.ts';
import { ProduceLink } from '../../../../src/kit/log/kafka/produce-link.ts';
import { ManualClock, settle } from '../../../support/manual-clock.ts';

const BYTES = Buffer.alloc(100);
const NODE = 1;

interface Asked {
  readonly partitions: readonly number[];
  readonly signal: AbortSignal;
  answer(): void;
  fail(error: Error): void;
}

/** A broker that answers when the test says so, and what the others know of its leaderships. */
class Cluster {
  readonly requestTimeoutMs = 3_000;
  readonly clock = new ManualClock();
  readonly asked: Asked[] = [];
  /** By partition. */
  leaders: readonly number[] = Array.from({ length: 10 }, () => NODE);
  lookups = 0;

  async refresh() {
    this.lookups += 1;
    return { id: 'x', leaders: this.leaders, leaderEpochs: [], asOf: 0 };
  }

  askNode<A extends unknown[], R>(_node: number, _api: API<A, R>, args: A, limits: { signal?: AbortSignal } = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const [batches] = args as unknown as [{ at: { topic: string; partition: number } }[]];
    const partitions = batches.map(({ at }) => at.partition);
    const partitionResponses = partitions.map((index) => ({ index, errorCode: 0 }));
    const signal = limits.signal!;
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    this.asked.push({
      partitions,
      signal,
      answer: () => resolve({ responses: [{ name: 't', partitionResponses }] } as R),
      fail: reject,
    });
    return promise;
  }
}

/** What became of each send so far. */
function sending(link: ProduceLink, ...partitions: readonly number[]): Map<number, string> {
  const fates = new Map<number, string>();
  for (const partition of partitions) {
    link.send({ topic: 't', partition }, BYTES).then(
      () => fates.set(partition, 'answered'),
      (error) => fates.set(partition, `${error.code}, ${error.details.sent ? 'sent' : 'not sent'}`),
    );
  }
  return fates;
}

test('a broker that hangs: what it leads no more is given back, long before the request times out', async () => {
  const cluster = new Cluster();
  const link = new ProduceLink(cluster, NODE);
  const fates = sending(link, 0, 1);
  await cluster.clock.advance(1_000);
  assert.deepEqual(fates, new Map(), 'it leads still: it may only be slow');
  cluster.leaders = [2, NODE];
  await cluster.clock.advance(600);
  assert.deepEqual(fates, new Map([[0, 'LOG_UNAVAILABLE, sent']]));
  assert.equal(cluster.asked[0]!.signal.aborted, false, 'the other one may still be answered');
  cluster.leaders = [2, 2];
  await cluster.clock.advance(600);
  assert.equal(fates.get(1), 'LOG_UNAVAILABLE, sent');
  assert.equal(cluster.asked[0]!.signal.aborted, true);
});

test('what waits for its turn behind requests that hang is given back too, as not sent', async () => {
  const cluster = new Cluster();
  const link = new ProduceLink(cluster, NODE);
  const fates = new Map<number, string>();
  for (const partition of [0, 1, 2, 3, 4]) {
    link.send({ topic: 't', partition }, BYTES).catch((error) => fates.set(partition, `sent: ${error.details.sent}`));
    await settle();
  }
  assert.equal(cluster.asked.length, 4);
  cluster.leaders = [NODE, NODE, NODE, NODE, 2];
  await cluster.clock.advance(600);
  assert.deepEqual(fates, new Map([[4, 'sent: false']]));
  cluster.asked[0]!.answer();
  await settle();
  assert.equal(cluster.asked.length, 4, 'it is not sent after all');
});

test('a way that is broken: what waits behind does not try it, one after the other', async () => {
  const cluster = new Cluster();
  const link = new ProduceLink(cluster, NODE);
  for (const partition of [0, 1, 2, 3]) {
    sending(link, partition);
    await settle();
  }
  const waiting = sending(link, 4, 5);
  await settle();
  cluster.asked[0]!.fail(unavailable('no answer', { details: { sent: true } }));
  await settle();
  assert.deepEqual(
    waiting,
    new Map([
      [4, 'LOG_UNAVAILABLE, not sent'],
      [5, 'LOG_UNAVAILABLE, not sent'],
    ]),
  );
  assert.equal(cluster.asked.length, 4);
});

test('nobody is asked about a broker that answers', async () => {
  const cluster = new Cluster();
  const link = new ProduceLink(cluster, NODE);
  for (let round = 0; round < 20; round++) {
    const fates = sending(link, 0);
    await settle();
    cluster.asked.at(-1)!.answer();
    await cluster.clock.advance(100);
    assert.equal(fates.get(0), 'answered');
  }
  assert.equal(cluster.lookups, 0);
  await cluster.clock.advance(1_000);
  assert.equal(cluster.clock.pending, 0);
});
