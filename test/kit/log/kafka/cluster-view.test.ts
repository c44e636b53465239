import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../../../src/kit/clock.ts';
import { ClusterView } from '../../../../src/kit/log/kafka/cluster-view.ts';
import { FakeBroker } from '../../../support/fake-broker.ts';

const TIMEOUT_MS = 10_000;

describe('what is known of a cluster', () => {
  let one: FakeBroker;
  let two: FakeBroker;
  const views: ClusterView[] = [];

  before(async () => {
    [one, two] = await Promise.all([FakeBroker.start(), FakeBroker.start()]);
  });
  after(async () => {
    for (const view of views) view.close();
    await Promise.all([one.close(), two.close()]);
  });
  beforeEach(() => {
    for (const broker of [one, two]) {
      broker.frozen = false;
      broker.requests = 0;
      broker.view = { brokers: new Map([one, two].map(({ port }, index) => [index + 1, port])), partitions: [] };
    }
  });

  const open = (bootstrap: readonly FakeBroker[]): ClusterView => {
    const view = new ClusterView({
      bootstrap: bootstrap.map(({ address }) => address),
      clientId: 'test',
      requestTimeoutMs: TIMEOUT_MS,
      clock: systemClock,
    });
    views.push(view);
    return view;
  };
  const tell = (broker: FakeBroker, leader: number, epoch: number): void => {
    broker.view = { ...broker.view, partitions: [{ leader, epoch }] };
  };

  test('a broker that hangs costs a moment, once: another one is asked, and then first', async () => {
    one.frozen = true;
    tell(two, 2, 5);
    const view = open([one, two]);
    const startMs = performance.now();
    for (let look = 0; look < 6; look++) assert.deepEqual((await view.refresh('t')).leaders, [2]);
    assert.ok(performance.now() - startMs < TIMEOUT_MS / 2, `${performance.now() - startMs} ms`);
    assert.equal(one.requests, 1);
    assert.equal(two.requests, 6);
  });

  test('all brokers hang: it is told that nobody answers', async () => {
    one.frozen = true;
    two.frozen = true;
    const view = new ClusterView({
      bootstrap: [one.address, two.address],
      clientId: 'test',
      requestTimeoutMs: 700,
      clock: systemClock,
    });
    views.push(view);
    await assert.rejects(view.refresh('t'), { code: 'LOG_UNAVAILABLE', retriable: true });
    assert.deepEqual([one.requests, two.requests], [1, 1]);
  });

  test('a broker that wakes up with the leaders of yesterday is not believed', async () => {
    tell(one, 1, 5);
    tell(two, 2, 6);
    const view = open([one, two]);
    const leaders = [];
    for (let look = 0; look < 4; look++) leaders.push(...(await view.refresh('t')).leaders);
    assert.deepEqual(leaders.slice(leaders.indexOf(2)), leaders.slice(leaders.indexOf(2)).fill(2));
    assert.ok(one.requests > 0 && two.requests > 0);
    view.forget('t');
    tell(two, 1, 5);
    assert.equal(await view.leader({ topic: 't', partition: 0 }), 2, 'also once it was forgotten');
    tell(one, 1, 7);
    tell(two, 1, 7);
    view.forget('t');
    assert.equal(await view.leader({ topic: 't', partition: 0 }), 1);
  });
});
