import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Symptoms, troublesOf } from '../../../src/pipelines/pulse/pulse-troubles.ts';
import { broker, cluster, group, PRODUCER } from './reports.ts';

const NOW = 1_000_000;
const WELL: Symptoms = {
  runtime: { state: 'SYSTEM_STOPPED', cause: null },
  health: cluster(),
  producer: PRODUCER,
  stalled: { stalledSinceMs: null, stalledLanes: [], lastErrorCode: null },
  groups: [group()],
  storeError: null,
  openDeadLetters: 0,
  wallMs: NOW,
};
const told = (changes: Partial<Symptoms>) =>
  troublesOf({ ...WELL, ...changes }).map(({ severity, text, link }) => `${severity}: ${text} -> ${link}`);

describe('troubles', () => {
  test('there are none when all is well, and none made up of what is not known', () => {
    assert.deepEqual(told({}), []);
    assert.deepEqual(
      told({ health: null, openDeadLetters: null, groups: [group({ lag: 10, lag_seconds: null })] }),
      [],
    );
  });

  test('lag in seconds, and where', () => {
    const worst = { topic: 'content-interactions', partition: 3, lag: 900, lag_seconds: 40 };
    assert.deepEqual(told({ groups: [group({ lag: 1_200, lag_seconds: 40, worst })] }), [
      'warning: notifications is 40 s behind on content-interactions/3 (1,200 records in all) -> /consumers/g',
    ]);
    assert.deepEqual(
      told({ groups: [group({ lag: 1_200, lag_seconds: 3, worst: { ...worst, lag_seconds: 3 } })] }),
      [],
    );
    const hours = { ...worst, lag_seconds: 10_000 };
    assert.match(
      told({ groups: [group({ lag: 1, lag_seconds: 10_000, worst: hours })] })[0]!,
      /^critical: .* is 3 h behind/,
    );
  });

  test('brokers, partitions, space', () => {
    const gone = broker(2, { state: 'FAILED', answers: false, reason: 'its process ended: exit code 137' });
    const full = broker(3, { usable_bytes: 800 * 1024 ** 2 });
    const health = cluster({
      brokers: [broker(1), gone, full],
      under_replicated_partitions: 1,
      offline_partitions: 2,
      controller_id: -1,
    });
    assert.deepEqual(told({ health }), [
      'critical: 2 partitions have no leader: nothing can be written to or read from there -> /cluster',
      'critical: The cluster has no controller: no leader can be elected, no topic changed -> /cluster',
      'critical: Broker 2 does not answer (FAILED): its process ended: exit code 137 -> /cluster',
      'warning: 1 partition is under-replicated -> /cluster',
      'warning: The disk of broker 3 is nearly full: 800 MiB are free -> /cluster',
    ]);
    assert.deepEqual(told({ health: cluster({ broker_count: 0, brokers: [], error: 'nobody answers at :9092' }) }), [
      'critical: The log does not answer: nobody answers at :9092 -> /cluster',
    ]);
  });

  test('publishing, failures, parked events, a handler that has stopped', () => {
    const stalled = {
      stalledSinceMs: NOW - 12_000,
      stalledLanes: [
        { topic: 'user-actions', partition: 1 },
        { topic: 'user-actions', partition: 2 },
      ],
      lastErrorCode: 'LOG_UNAVAILABLE',
    };
    assert.deepEqual(told({ stalled: { ...stalled, stalledSinceMs: NOW - 200 } }), []);
    assert.deepEqual(told({ stalled, openDeadLetters: 3, groups: [group({ parked: 1, halted: 'stopped' })] }), [
      'critical: user-actions/1 and 1 other partition has acknowledged nothing for 12 s (LOG_UNAVAILABLE) -> /cluster',
      'critical: notifications has stopped: it processes nothing -> /consumers/g',
      'warning: 3 dead letters are open -> /failures',
      'info: 1 event of notifications waits for a retry, or behind one -> /failures/parked',
    ]);
  });
});
