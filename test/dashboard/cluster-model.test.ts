import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterServer } from '../../src/api/cluster.ts';
import type { DrillTimeline, DrillVerdict } from '../../src/api/drills.ts';
import type { BrokerHealth, ClusterHealth, TopicHealth } from '../../src/api/health.ts';
import { actionsOn, consequences, roleOf, shownState } from '../../src/dashboard/views/cluster/broker-model.ts';
import { MAX_CELLS, partitionRows, topicRows } from '../../src/dashboard/views/cluster/partition-model.ts';
import {
  askFrom,
  checked,
  criteriaInOrder,
  merged,
  NO_COURSE,
  secondsText,
  seriesOf,
  verdictText,
} from '../../src/dashboard/views/cluster/run-model.ts';

const SERVER: ClusterServer = {
  name: 'kafka-2',
  kind: 'broker',
  node_id: 2,
  host: '127.0.0.1',
  port: 9093,
  pid: 1,
  state: 'running',
  since: null,
  ended: null,
  in_use: true,
  action: null,
};
const REDIS: ClusterServer = { ...SERVER, name: 'redis', kind: 'redis', node_id: null };
const doing = (state: 'RUNNING' | 'DONE', action: 'start' | 'stop') => ({
  action: { action, state, started_at: '', ended_at: null, error: null },
});

describe('the state of a server', () => {
  const running = { state: 'RUNNING', reason: 'it answers' } as const;

  test('the operating system is believed before the cluster has noticed', () => {
    const ended = shownState(running, { ...SERVER, state: 'ended', ended: 'was ended by SIGKILL' });
    assert.deepEqual(ended, { kind: 'bad', text: 'ENDED', reason: 'it was ended by SIGKILL' });
    assert.equal(shownState(running, { ...SERVER, state: 'paused' }).text, 'PAUSED');
    assert.equal(shownState(null, { ...REDIS, state: 'ended' }).kind, 'bad');
  });

  test('what the cluster says of one that is out says more', () => {
    const failed = { state: 'FAILED', reason: 'its process is gone' } as const;
    assert.deepEqual(shownState(failed, { ...SERVER, state: 'ended' }), {
      kind: 'bad',
      text: 'FAILED',
      reason: 'its process is gone',
    });
    const shutDown = { state: 'SHUTDOWN', reason: 'in order' } as const;
    assert.equal(shownState(shutDown, { ...SERVER, state: 'ended' }).kind, 'idle');
    assert.equal(shownState(running, null).kind, 'ok');
  });

  test('nobody leads a quorum without a leader', () => {
    const broker = { id: 2, role: 'controller_leader' } as const;
    assert.deepEqual(
      [2, 1, -1].map((id) => roleOf(broker, id)),
      ['controller_leader', 'controller_follower', 'controller_follower'],
    );
    assert.equal(roleOf({ id: 4, role: 'observer' }, 2), 'observer');
  });

  test('only what can be done is offered', () => {
    assert.deepEqual(actionsOn(SERVER), ['pause', 'stop', 'kill']);
    assert.deepEqual(actionsOn({ ...SERVER, state: 'paused' }), ['resume', 'kill']);
    assert.deepEqual(actionsOn({ ...SERVER, state: 'ended' }), ['start']);
    assert.deepEqual(actionsOn({ ...SERVER, ...doing('RUNNING', 'start') }), ['kill'], 'a start can be cut short');
    assert.deepEqual(actionsOn({ ...SERVER, state: 'ended', ...doing('RUNNING', 'start') }), []);
    assert.deepEqual(actionsOn({ ...SERVER, ...doing('DONE', 'start') }), ['pause', 'stop', 'kill']);
  });
});

/** Three brokers that are controllers too; of two partitions each has the replicas 1, 2 and 3. */
function health(answering: readonly number[], controller = 1): ClusterHealth {
  const brokers = [1, 2, 3].map((id) => ({
    id,
    answers: answering.includes(id),
    leaders: id === 2 ? 2 : 0,
    role: id === controller ? 'controller_leader' : 'controller_follower',
  }));
  const isr = [...answering];
  const partitions = [0, 1].map((partition) => ({ partition, isr }));
  const topics = [
    { name: 'user-actions', internal: false, min_insync_replicas: 2, partitions },
    { name: '__consumer_offsets', internal: true, min_insync_replicas: 3, partitions },
  ];
  return {
    brokers: brokers as BrokerHealth[],
    topics: topics as unknown as TopicHealth[],
    controller_id: controller,
  } as ClusterHealth;
}

describe('what an action will mean', () => {
  const said = (...given: Parameters<typeof consequences>) => consequences(...given).join('\n');

  test('one of three brokers is lost: leaders move, and every partition goes on', () => {
    assert.match(
      said('kill', SERVER, health([1, 2, 3])),
      /It leads 2 partitions.*about 3 s\.\n2 brokers are left, which is enough/,
    );
    assert.match(said('stop', SERVER, health([1, 2, 3])), /which it sees to itself/);
    assert.doesNotMatch(said('kill', SERVER, health([1, 2, 3])), /active controller/);
    assert.match(said('pause', SERVER, health([1, 2, 3], 2)), /It is the active controller/);
  });

  test('the second of three: no majority, and no acknowledgement', () => {
    const text = said('kill', SERVER, health([1, 2]));
    assert.match(text, /1 of 3 controllers are left, no majority/);
    assert.match(text, /2 partitions will lack in-sync replicas.*503/);
  });

  test('Redis, of this server or of another', () => {
    assert.match(said('kill', REDIS, null), /rebuilt from the log/);
    assert.match(said('pause', REDIS, null), /Handlers pause/);
    assert.match(said('kill', { ...REDIS, in_use: false }, null), /nothing here will notice/);
  });
});

describe('leaders and replicas', () => {
  const partition = (number: number, more: object = {}) => ({
    partition: number,
    leader: 1,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    end_offset: 7,
    start_offset: 0,
    preferred: true,
    offline: false,
    under_min_isr: false,
    ...more,
  });
  const topic = (partitions: object[], more: object = {}) =>
    ({ name: 't', internal: false, min_insync_replicas: 2, partitions, ...more }) as TopicHealth;

  test('the worst that holds of a partition is its state', () => {
    const rows = partitionRows(
      topic([
        partition(4, { offline: true, under_min_isr: true, leader: -1, isr: [2], end_offset: -1 }),
        partition(3, { under_min_isr: true, isr: [1] }),
        partition(2, { isr: [1, 3] }),
        partition(1, { preferred: false }),
        partition(0),
      ]),
    );
    assert.deepEqual(
      rows.map(({ state, missing, end }) => [state, missing, end]),
      [
        ['in-sync', [], 7],
        ['not-preferred', [], 7],
        ['under-replicated', [2], 7],
        ['under-min-isr', [2, 3], 7],
        ['offline', [1, 3], null],
      ],
    );
  });

  test('of a large topic the troubled ones are shown whatever their number', () => {
    const many = Array.from({ length: 1_000 }, (_, number) => partition(number, number === 999 ? { isr: [1] } : {}));
    const [row, ...others] = topicRows([topic(many), topic([], { name: '__x', internal: true })], { internal: false });
    assert.deepEqual(others, []);
    assert.equal(row!.partitions.length, MAX_CELLS);
    assert.equal(row!.partitions.at(-1)!.partition, 999);
    assert.equal(row!.left, 1_000 - MAX_CELLS);
    assert.equal(row!.text, '1,000 partitions; leaders: 1 of 1,000; 1 not in sync');
    assert.equal(topicRows([topic([], { internal: true })], { internal: true }).length, 1);
  });
});

describe('the course of a run', () => {
  const bucket = (index: number, acked = index) => ({
    at_ms: index * 250,
    acked,
    applied: 0,
    p50_ms: null,
    p99_ms: null,
    max_ms: null,
  });
  const part = (from: number, total: number, acked?: number): DrillTimeline => ({
    bucket_ms: 250,
    from,
    total,
    buckets: Array.from({ length: total - from }, (_, index) => bucket(from + index, acked)),
  });

  test('grows by what comes in, and what has changed is replaced', () => {
    let course = merged(NO_COURSE, part(0, 50));
    assert.equal(askFrom(course), 10);
    course = merged(course, part(10, 60, 99));
    assert.equal(course.buckets.length, 60);
    assert.deepEqual([course.buckets[9]!.acked, course.buckets[10]!.acked], [9, 99]);
    assert.equal(merged(course, part(70, 80)).buckets.length, 60, 'there is no hole in it');
  });

  test('is told as rates, without the bucket that fills', () => {
    const course = merged(NO_COURSE, part(0, 4, 5));
    assert.deepEqual(seriesOf(course, false).acked, [20, 20, 20]);
    assert.deepEqual(seriesOf(course, true).times, [0, 250, 500, 750]);
  });

  test('times count from the first publish', () => {
    assert.deepEqual([0, 5_240, 65_000, -1_000, -20].map(secondsText), [
      '0:00.0',
      '0:05.2',
      '1:05.0',
      '-0:01.0',
      '0:00.0',
    ]);
  });
});

describe('a verdict', () => {
  const verdict = (passes: boolean[], error: string | null = null): DrillVerdict => ({
    passed: passes.every(Boolean),
    criteria: passes.map((pass, index) => ({ name: String(index), limit: 'none', measured: '0', pass })),
    findings: [],
    notes: [],
    error,
  });

  test('is told in a sentence, and what was not met comes first', () => {
    assert.equal(verdictText(verdict([true, true])), 'All 2 criteria were met.');
    assert.equal(verdictText(verdict([true, false])), '1 of 2 criteria were not met.');
    assert.equal(verdictText(verdict([true], 'stuck')), 'It could not be brought to its end.');
    assert.equal(verdictText(verdict([])), 'Nothing was judged.');
    assert.deepEqual(
      criteriaInOrder(verdict([true, false, true])).map(({ name }) => name),
      ['1', '0', '2'],
    );
  });
});

describe('what a drill is started with', () => {
  const form = { rate: '3000', seed: '1', scale: '0.5', sabotage: '' };

  test('is checked before it is sent', () => {
    assert.deepEqual(checked(form).options, { rate_per_second: 3000, seed: 1, scale: 0.5, sabotage: null });
    assert.equal(checked({ ...form, sabotage: 'no-fence' }).options!.sabotage, 'no-fence');
    const wrong = checked({ rate: '1.5', seed: '', scale: '9', sabotage: '' });
    assert.deepEqual(Object.keys(wrong.errors), ['rate', 'seed', 'scale']);
    assert.equal(wrong.options, null);
  });
});
