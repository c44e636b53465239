import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ASSIGNORS,
  assignRange,
  assignRoundRobin,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/kit/log/assignment.ts';

const topicNames = ['alpha', 'beta', 'gamma', 'delta'];
const counts = fc
  .dictionary(fc.constantFrom(...topicNames), fc.integer({ min: 0, max: 20 }))
  .map((c) => new Map(Object.entries(c)));
const subscribers = fc
  .array(fc.subarray(topicNames, { minLength: 1 }), { minLength: 1, maxLength: 9 })
  .map((all) => all.map((topics, i) => ({ memberId: `member-${(i * 7) % 10}`, topics })));

describe('assignors', () => {
  for (const [name, assignor] of ASSIGNORS) {
    test(`${name}: every partition that is subscribed to has exactly one owner, a subscriber`, () => {
      fc.assert(
        fc.property(subscribers, counts, (members, partitionCounts) => {
          const owners = new Map<string, string>();
          for (const [memberId, partitions] of assignor(members, partitionCounts)) {
            for (const { topic, partition } of partitions) {
              assert.ok(!owners.has(`${topic}:${partition}`));
              assert.ok(members.find((m) => m.memberId === memberId)!.topics.includes(topic));
              owners.set(`${topic}:${partition}`, memberId);
            }
          }
          let expected = 0;
          for (const [topic, count] of partitionCounts)
            if (members.some((m) => m.topics.includes(topic))) expected += count;
          assert.equal(owners.size, expected);
        }),
      );
    });

    test(`${name}: the order of members does not matter`, () => {
      fc.assert(
        fc.property(subscribers, counts, (members, partitionCounts) => {
          const forth = assignor(members, partitionCounts);
          const back = assignor([...members].reverse(), new Map([...partitionCounts].reverse()));
          assert.deepEqual(new Map([...forth].sort()), new Map([...back].sort()));
        }),
      );
    });
  }

  test('round robin: equal subscriptions differ by one partition at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), counts, (size, partitionCounts) => {
        const members = Array.from({ length: size }, (_, i) => ({ memberId: `m${i}`, topics: topicNames }));
        const sizes = [...assignRoundRobin(members, partitionCounts).values()].map((partitions) => partitions.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      }),
    );
  });

  test('range: in every topic subscribers differ by one partition at most, and runs are consecutive', () => {
    fc.assert(
      fc.property(subscribers, counts, (members, partitionCounts) => {
        const assigned = assignRange(members, partitionCounts);
        for (const topic of partitionCounts.keys()) {
          const shares = members
            .filter((m) => m.topics.includes(topic))
            .map(({ memberId }) =>
              assigned
                .get(memberId)!
                .filter((p) => p.topic === topic)
                .map((p) => p.partition),
            );
          if (shares.length === 0) continue;
          const sizes = shares.map((share) => share.length);
          assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
          for (const share of shares)
            assert.deepEqual(
              share,
              share.map((_, i) => share[0]! + i),
            );
        }
      }),
    );
  });

  test("Kafka's documented examples", () => {
    const members = ['c0', 'c1'].map((memberId) => ({ memberId, topics: ['t0', 't1'] }));
    const partitionCounts = new Map([
      ['t0', 3],
      ['t1', 3],
    ]);
    const short = (assigned: ReturnType<typeof assignRange>) =>
      [...assigned.values()].map((partitions) =>
        partitions.map(({ topic, partition }) => `${topic}p${partition}`).join(' '),
      );
    assert.deepEqual(short(assignRange(members, partitionCounts)), ['t0p0 t0p1 t1p0 t1p1', 't0p2 t1p2']);
    assert.deepEqual(short(assignRoundRobin(members, partitionCounts)), ['t0p0 t0p2 t1p1', 't0p1 t1p0 t1p2']);
  });
});

describe('consumer protocol', () => {
  test('the bytes are those of ConsumerProtocolSubscription and ConsumerProtocolAssignment', () => {
    // version 1, two topics, no user data, nothing owned
    assert.equal(encodeSubscription(['b', 'a']).toString('hex'), '000100000002000161000162ffffffff00000000');
    // version 1, one topic with partitions 0 and 5, no user data
    const assigned = [0, 5].map((partition) => ({ topic: 'ab', partition }));
    assert.equal(encodeAssignment(assigned).toString('hex'), '00010000000100026162000000020000000000000005ffffffff');
  });

  test('later versions of other clients are read', () => {
    // version 3: topics, user data, owned partitions, generation, rack
    const v3 = '00030000000100016100000002abcd00000001000161000000010000000700000009ffff';
    assert.deepEqual(decodeSubscription(Buffer.from(v3, 'hex')), {
      topics: ['a'],
      owned: [{ topic: 'a', partition: 7 }],
    });
    assert.deepEqual(decodeSubscription(Buffer.from('000000000001000161ffffffff', 'hex')), {
      topics: ['a'],
      owned: [],
    });
  });

  test('what was written is read, and rubbish is a typed error', () => {
    const partitions = fc.uniqueArray(fc.record({ topic: fc.constantFrom(...topicNames), partition: fc.nat(50) }), {
      selector: ({ topic, partition }) => `${topic}:${partition}`,
    });
    const sort = (list: { topic: string; partition: number }[]) => list.map((p) => `${p.topic}:${p.partition}`).sort();
    fc.assert(
      fc.property(partitions, (list) => assert.deepEqual(sort(decodeAssignment(encodeAssignment(list))), sort(list))),
    );
    assert.deepEqual(decodeAssignment(Buffer.alloc(0)), []);
    assert.throws(() => decodeAssignment(Buffer.from([0])), { code: 'INCONSISTENT_GROUP_PROTOCOL' });
    assert.throws(() => decodeSubscription(Buffer.from('0001000000020001', 'hex')), {
      code: 'INCONSISTENT_GROUP_PROTOCOL',
    });
  });
});
