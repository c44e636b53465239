import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokerRates } from '../../../src/kit/monitoring/broker-rates.ts';
import type { BrokerReading } from '../../../src/kit/monitoring/broker-telemetry.ts';
import type { ClusterFacts, GroupFacts, TopicFacts } from '../../../src/kit/monitoring/cluster-facts.ts';
import { groupHealth, lookups, MAX_LOOKUPS, positionOf, RecordAges } from '../../../src/kit/monitoring/group-lag.ts';
import {
  brokerShares,
  leaderSkew,
  partitionTotals,
  topicHealth,
} from '../../../src/kit/monitoring/partition-health.ts';
import { growthPerSecond, maxOrNull, sumOrNull } from '../../../src/kit/monitoring/rates.ts';

const TOPIC: TopicFacts = {
  name: 't',
  internal: false,
  minInSync: 2,
  partitions: [
    { partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] },
    { partition: 1, leader: 3, replicas: [2, 3, 1], isr: [3, 1] },
    { partition: 2, leader: -1, replicas: [3, 2, 1], isr: [3] },
    { partition: 3, leader: 2, replicas: [2, 1], isr: [2, 1] },
  ],
};
const LOOK = { answering: new Set([1, 3]), ends: new Map([['t:0', 40]]), starts: new Map([['t:0', 5]]) };

test('partitions: preferred, offline (also by a silent leader), under min ISR, unknown offsets', () => {
  const { partitions } = topicHealth(TOPIC, LOOK);
  assert.deepEqual(
    partitions.map(({ preferred, offline, under_min_isr }) => [preferred, offline, under_min_isr]),
    [
      [true, false, false],
      [false, false, false],
      [false, true, true],
      [true, true, false],
    ],
  );
  assert.deepEqual([partitions[0]!.end_offset, partitions[0]!.start_offset, partitions[1]!.end_offset], [40, 5, -1]);
  assert.deepEqual(partitionTotals([topicHealth(TOPIC, LOOK)]), {
    underReplicated: 2,
    offline: 2,
    underMinIsr: 1,
    nonPreferred: 1,
  });
  assert.equal(topicHealth({ ...TOPIC, minInSync: null }, LOOK).partitions[2]!.under_min_isr, false);
});

test('brokers: what each leads, holds, is behind in, and may be elected for', () => {
  const shares = brokerShares([topicHealth(TOPIC, LOOK)]);
  assert.deepEqual(shares.get(1), { leaders: 1, replicas: 4, outOfSync: 1, awaitingElection: 1 });
  assert.deepEqual(shares.get(2), { leaders: 1, replicas: 4, outOfSync: 2, awaitingElection: 0 });
  assert.deepEqual(shares.get(3), { leaders: 1, replicas: 3, outOfSync: 0, awaitingElection: 1 });
});

test('leader skew: 0 where leadership is even, and never less', () => {
  assert.equal(leaderSkew([4, 4, 4]), 0);
  assert.equal(leaderSkew([12, 0, 0]), 2);
  assert.equal(leaderSkew([0, 0]), null);
  assert.equal(leaderSkew([]), null);
  fc.assert(fc.property(fc.array(fc.nat(100), { minLength: 1 }), (leaders) => (leaderSkew(leaders) ?? 0) >= -1e-9));
});

test('growth: what shrank adds nothing, what is new is left out', () => {
  const before = new Map([
    ['a', 10],
    ['b', 100],
  ]);
  const now = new Map([
    ['a', 30],
    ['b', 50],
    ['c', 1_000],
  ]);
  assert.equal(growthPerSecond(before, now, 2_000), 10);
  assert.equal(growthPerSecond(before, now, 0), null);
  assert.equal(growthPerSecond(new Map(), now, 1_000), null, 'nothing to compare');
  assert.equal(growthPerSecond(before, new Map(), 1_000), 0, 'nothing is led');
  assert.equal(sumOrNull([1, 2]), 3);
  assert.equal(sumOrNull([1, null]), null);
  assert.equal(maxOrNull([1, null, 3]), 3);
  assert.equal(maxOrNull([null]), null);
});

function reading(id: string, messagesIn: number): BrokerReading {
  const jmx = { phase: 'running', messagesIn, bytesIn: messagesIn * 100, produceP99Ms: 1, fetchP99Ms: 2 } as const;
  return { address: '127.0.0.1:9092', process: { id, status: 'running', endedInOrder: null }, jmx };
}

function look(at: number, end: number, bytes: number, readings: ClusterFacts['readings'] = new Map()): ClusterFacts {
  return {
    at,
    registered: [{ id: 1, host: '127.0.0.1', port: 9092 }],
    answering: new Set([1]),
    quorum: null,
    topics: [{ ...TOPIC, partitions: [TOPIC.partitions[0]!] }],
    ends: new Map([['t:0', end]]),
    starts: new Map(),
    logs: new Map([[1, { usableBytes: 1, partitions: new Map([['t:0', { bytes, lag: 0 }]]) }]]),
    groups: [],
    readings,
    incomplete: [],
  };
}

test('rates: by counters of the same process, else by what the logs have grown', () => {
  assert.deepEqual(brokerRates(1, look(1_000, 10, 500), look(3_000, 50, 900)), {
    messages: 20,
    bytes: 200,
    source: 'protocol',
  });
  const [before, now] = [new Map([[1, reading('a', 100)]]), new Map([[1, reading('a', 400)]])];
  assert.deepEqual(brokerRates(1, look(1_000, 10, 500, before), look(3_000, 50, 900, now)), {
    messages: 150,
    bytes: 15_000,
    source: 'jmx',
  });
  const restarted = new Map([[1, reading('b', 5)]]);
  assert.equal(brokerRates(1, look(1_000, 10, 500, before), look(3_000, 50, 900, restarted)).source, 'protocol');
  assert.equal(brokerRates(1, null, look(3_000, 50, 900)).messages, null);
});

const ENDS = new Map([
  ['t:0', 100],
  ['t:1', 50],
]);
const GROUP: GroupFacts = {
  group: 'g',
  state: 'Stable',
  members: 2,
  description: null,
  committed: [
    { topic: 't', partition: 0, offset: 90 },
    { topic: 't', partition: 1, offset: 50 },
    { topic: 't', partition: 2, offset: 7 },
  ],
};

test('lag in records and in seconds; unknown ends and times are null', () => {
  const at = { topic: 't', partition: 0, offset: 90 };
  const health = groupHealth(GROUP, ENDS, new Map([[positionOf(at), { ...at, timestamp: 8_000 }]]), 10_500);
  assert.deepEqual([health.lag, health.lag_seconds], [10, 2.5]);
  assert.deepEqual(
    health.partitions.map(({ lag, lag_seconds }) => [lag, lag_seconds]),
    [
      [10, 2.5],
      [0, 0],
      [null, null],
    ],
  );
  assert.equal(groupHealth(GROUP, ENDS, new Map(), 0).partitions[0]!.lag_seconds, null);
  assert.equal(groupHealth(GROUP, ENDS, new Map([[positionOf(at), { ...at, timestamp: 99 }]]), 0).lag_seconds, 0);
});

test('records are looked up for the most lagging partitions, no more than the bound, and once', () => {
  const committed = Array.from({ length: 40 }, (_, partition) => ({ topic: 't', partition, offset: partition }));
  const ends = new Map(committed.map(({ partition }) => [`t:${partition}`, 100] as const));
  const groups = [
    { ...GROUP, committed },
    { ...GROUP, group: 'h', committed },
  ];
  const wanted = lookups(groups, ends, new Map());
  assert.deepEqual(
    wanted.map(({ partition }) => partition),
    Array.from({ length: MAX_LOOKUPS }, (_, n) => n),
  );
  const little = { ...GROUP, group: 'little', committed: [{ topic: 't', partition: 39, offset: 99 }] };
  assert.deepEqual(lookups([...groups, little], ends, new Map())[1], little.committed[0], 'each group has its turn');
});

test('a record that is known is not read again; a group that moves on is looked up anew', async () => {
  const reads: number[] = [];
  const ages = new RecordAges(async ({ topic, partition, offset }) => {
    reads.push(offset);
    if (offset === 66) throw new Error('removed by retention');
    const record = { topic, partition, offset, timestamp: offset * 10, key: null, value: null, headers: [] };
    return { topic, partition, records: [record], highWatermark: 100 };
  });
  const at = (offset: number): GroupFacts[] => [{ ...GROUP, committed: [{ topic: 't', partition: 0, offset }] }];
  const { signal } = new AbortController();
  assert.equal((await ages.of(at(40), ENDS, signal)).get('t:0@40')!.timestamp, 400);
  assert.equal((await ages.of(at(40), ENDS, signal)).get('t:0@40')!.timestamp, 400);
  await ages.of(at(66), ENDS, signal);
  assert.deepEqual([...(await ages.of(at(77), ENDS, signal)).keys()], ['t:0@77'], 'what nobody is at is forgotten');
  await ages.of(at(100), ENDS, signal);
  assert.deepEqual(reads, [40, 66, 77], 'nothing to read at the end');
});
