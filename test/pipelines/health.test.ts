import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterReport } from '../../src/kit/monitoring/cluster-report.ts';
import { notWritableBecause } from '../../src/pipelines/health.ts';

/** Three brokers, of which some answer; one partition of each of these topics, as metadata has it. */
function report(answering: readonly number[], partitions: readonly (readonly [string, number, readonly number[]])[]) {
  const topics = partitions.map(([name, leader, isr]) => ({
    name,
    min_insync_replicas: 2,
    partitions: [{ partition: 0, leader, isr, offline: !answering.includes(leader) }],
  }));
  const brokers = [1, 2, 3].map((id) => ({ id, answers: answering.includes(id) }));
  return { brokers, topics } as unknown as ClusterReport;
}

const ALL = [1, 2, 3];

test('all is well: ready', () => {
  assert.equal(notWritableBecause(report(ALL, [['user-actions', 1, ALL]])), null);
});

test('one broker of three is gone and leads nothing: ready', () => {
  assert.equal(notWritableBecause(report([1, 2], [['user-actions', 1, ALL]])), null);
});

test('two of three are gone, and metadata knows nothing of it: not ready', () => {
  assert.equal(
    notWritableBecause(report([1], [['user-actions', 1, ALL]])),
    'too few brokers answer for 1 of the partitions (user-actions-0)',
  );
});

test('a leader that does not answer: not ready', () => {
  assert.match(notWritableBecause(report([1, 2], [['user-actions', 3, ALL]]))!, /user-actions-0/);
});

test('an ISR that is too small: not ready', () => {
  assert.match(notWritableBecause(report(ALL, [['user-actions', 1, [1]]]))!, /user-actions-0/);
});

test('topics of others do not count', () => {
  assert.equal(
    notWritableBecause(
      report(
        [1, 2],
        [
          ['user-actions', 1, ALL],
          ['__consumer_offsets', 3, [3]],
        ],
      ),
    ),
    null,
  );
});

test('none of our topics could be looked at: not ready', () => {
  assert.equal(notWritableBecause(report(ALL, [])), 'the topics cannot be seen');
});

test('nobody answers: not ready, with what the look said', () => {
  assert.equal(notWritableBecause({ ...report([], []), error: 'no broker answers (x)' }), 'no broker answers (x)');
});
