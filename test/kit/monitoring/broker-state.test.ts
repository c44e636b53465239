import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BrokerEvidence,
  brokerRole,
  brokerState,
  CUT_OFF_MS,
  FRESH_FETCH_MS,
  ORDERLY_MS,
  quorumProgress,
} from '../../../src/kit/monitoring/broker-state.ts';
import type { QuorumFacts } from '../../../src/kit/monitoring/cluster-facts.ts';
import type { BrokerState } from '../../../src/kit/monitoring/cluster-report.ts';

const WELL: BrokerEvidence = {
  answers: true,
  registered: true,
  role: 'controller_follower',
  quorumHasLeader: true,
  fetchAgeMs: 100,
  outOfSync: 0,
  replicaLag: 0,
  replicaLagBefore: 0,
  awaitingElection: 0,
  process: null,
  newProcess: false,
  phase: null,
  before: 'RUNNING',
  answeredAgoMs: 1_000,
};
const SILENT: BrokerEvidence = { ...WELL, answers: false, fetchAgeMs: 10_000, replicaLag: null };
const FENCED: BrokerEvidence = { ...SILENT, registered: false, answeredAgoMs: 60_000, before: 'FAILED' };

function running(
  status: 'running' | 'paused' | 'gone',
  endedInOrder: boolean | null = null,
): BrokerEvidence['process'] {
  return { id: '1/1', status, endedInOrder };
}

const CASES: readonly [name: string, evidence: BrokerEvidence, state: BrokerState][] = [
  ['answers, registered, in sync', WELL, 'RUNNING'],
  ['the first look', { ...WELL, before: null, answeredAgoMs: null }, 'RUNNING'],
  ['out of the ISR', { ...WELL, outOfSync: 3, replicaLag: 40, replicaLagBefore: 90 }, 'RECOVERING'],
  ['reads its logs', { ...WELL, phase: 'recovering' }, 'RECOVERING'],
  ['is told to stop', { ...WELL, phase: 'stopping' }, 'SHUTDOWN'],
  ['answers, not registered yet', { ...WELL, registered: false, before: 'STARTING' }, 'STARTING'],
  ['answers, registered no more', { ...WELL, registered: false }, 'SHUTDOWN'],
  ['answers, cut off from the controllers', { ...WELL, registered: false, fetchAgeMs: CUT_OFF_MS + 1 }, 'FAILED'],
  ['the controllers have no leader', { ...WELL, quorumHasLeader: false, fetchAgeMs: null }, 'LEADER_ELECTION'],
  ['an observer has no part in that', { ...WELL, quorumHasLeader: false, role: 'observer' }, 'RUNNING'],
  ['may lead a partition that has no leader', { ...WELL, awaitingElection: 1 }, 'LEADER_ELECTION'],

  ['killed, not noticed yet', { ...SILENT, fetchAgeMs: 300 }, 'FAILED'],
  ['killed and fenced', FENCED, 'FAILED'],
  ['paused', { ...SILENT, process: running('paused') }, 'FAILED'],
  ['its process is gone', { ...SILENT, process: running('gone') }, 'FAILED'],
  ['its process ended as it was asked to', { ...SILENT, process: running('gone', true) }, 'SHUTDOWN'],
  [
    'its process was killed soon after it was fenced',
    { ...SILENT, registered: false, process: running('gone', false) },
    'FAILED',
  ],
  ['hangs, with a process', { ...SILENT, process: running('running') }, 'FAILED'],
  ['deregistered at once', { ...SILENT, registered: false, answeredAgoMs: ORDERLY_MS - 1 }, 'SHUTDOWN'],
  ['deregistered after a session', { ...SILENT, registered: false, answeredAgoMs: ORDERLY_MS }, 'FAILED'],
  [
    'seen silent while it was registered',
    { ...SILENT, registered: false, answeredAgoMs: 500, before: 'FAILED' },
    'FAILED',
  ],
  ['still shut down', { ...FENCED, before: 'SHUTDOWN' }, 'SHUTDOWN'],
  ['killed and fenced early', { ...FENCED, fetchAgeMs: FRESH_FETCH_MS + 1 }, 'FAILED'],
  ['its controller half is up again', { ...FENCED, fetchAgeMs: 200 }, 'STARTING'],
  ['its controller half goes last', { ...FENCED, fetchAgeMs: 200, before: 'RUNNING' }, 'SHUTDOWN'],
  ['a new process', { ...FENCED, process: running('running'), newProcess: true }, 'STARTING'],
  ['says that it starts', { ...FENCED, process: running('running'), phase: 'starting' }, 'STARTING'],
  ['says that it reads its logs', { ...FENCED, process: running('running'), phase: 'recovering' }, 'RECOVERING'],
];

for (const [name, evidence, state] of CASES) {
  test(`${name}: ${state}`, () => assert.equal(brokerState(evidence).state, state));
}

test('the reason of a recovery tells of its progress', () => {
  const reason = (replicaLag: number | null, replicaLagBefore: number | null) =>
    brokerState({ ...WELL, outOfSync: 2, replicaLag, replicaLagBefore }).reason;
  assert.equal(reason(40, 90), 'not in sync in 2 partitions, 40 records behind, catching up');
  assert.equal(reason(90, 90), 'not in sync in 2 partitions, 90 records behind, NOT catching up');
  assert.equal(reason(0, 90), 'not in sync in 2 partitions, has every record');
  assert.equal(reason(null, null), 'not in sync in 2 partitions');
});

const STATES: readonly BrokerState[] = ['STARTING', 'RUNNING', 'RECOVERING', 'FAILED', 'LEADER_ELECTION', 'SHUTDOWN'];
const evidence: fc.Arbitrary<BrokerEvidence> = fc.record({
  answers: fc.boolean(),
  registered: fc.boolean(),
  role: fc.constantFrom('controller_leader', 'controller_follower', 'observer', null),
  quorumHasLeader: fc.boolean(),
  fetchAgeMs: fc.option(fc.nat(20_000)),
  outOfSync: fc.nat(3),
  replicaLag: fc.option(fc.nat(100)),
  replicaLagBefore: fc.option(fc.nat(100)),
  awaitingElection: fc.nat(3),
  process: fc.option(
    fc.record({
      id: fc.constant('1/1'),
      status: fc.constantFrom('running', 'paused', 'gone'),
      endedInOrder: fc.option(fc.boolean()),
    }),
  ),
  newProcess: fc.boolean(),
  phase: fc.constantFrom('starting', 'recovering', 'running', 'stopping', null),
  before: fc.constantFrom(...STATES, null),
  answeredAgoMs: fc.option(fc.nat(60_000)),
});

test('whatever is observed: one of the six states, with a reason', () => {
  fc.assert(
    fc.property(evidence, (observed) => {
      const { state, reason } = brokerState(observed);
      assert(STATES.includes(state) && reason.length > 0);
    }),
  );
});

test('RUNNING and LEADER_ELECTION are only for brokers that answer', () => {
  fc.assert(
    fc.property(evidence, (observed) => {
      const { state } = brokerState({ ...observed, answers: false });
      assert(state !== 'RUNNING' && state !== 'LEADER_ELECTION');
    }),
  );
});

test('RUNNING means registered, in sync, and nothing to elect, as far as the quorum can tell', () => {
  fc.assert(
    fc.property(evidence, (observed) => {
      if (brokerState(observed).state !== 'RUNNING') return;
      assert(observed.answers && observed.outOfSync === 0 && observed.awaitingElection === 0);
      assert(observed.registered || !observed.quorumHasLeader);
    }),
  );
});

test('a process that is paused or gone never passes for one that is coming up', () => {
  fc.assert(
    fc.property(evidence, fc.constantFrom('paused' as const, 'gone' as const), (observed, status) => {
      const { state } = brokerState({ ...observed, answers: false, process: running(status) });
      assert(state === 'FAILED' || (state === 'SHUTDOWN' && status === 'gone'));
    }),
  );
});

const QUORUM: QuorumFacts = {
  leaderId: 2,
  leaderEpoch: 7,
  highWatermark: 100,
  voters: [
    { id: 1, logEndOffset: 90, lastFetchAt: 9_500, lastCaughtUpAt: 9_000 },
    { id: 2, logEndOffset: 101, lastFetchAt: 10_000, lastCaughtUpAt: 10_000 },
    { id: 3, logEndOffset: 0, lastFetchAt: -1, lastCaughtUpAt: -1 },
  ],
  observers: [{ id: 4, logEndOffset: 100, lastFetchAt: 9_900, lastCaughtUpAt: 9_900 }],
};

test('roles in the metadata quorum', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((id) => brokerRole(id, QUORUM)),
    ['controller_follower', 'controller_leader', 'controller_follower', 'observer', null],
  );
  assert.equal(brokerRole(1, null), null);
  assert.equal(brokerRole(2, { ...QUORUM, leaderId: -1 }), 'controller_follower');
});

test('distance to the metadata quorum is told by its leader\u2019s clock', () => {
  assert.deepEqual(quorumProgress(1, QUORUM), { lag: 10, fetchAgeMs: 500, caughtUpAgeMs: 1_000 });
  assert.deepEqual(quorumProgress(2, QUORUM), { lag: 0, fetchAgeMs: 0, caughtUpAgeMs: 0 });
  assert.deepEqual(quorumProgress(3, QUORUM), { lag: 100, fetchAgeMs: null, caughtUpAgeMs: null });
  assert.equal(quorumProgress(5, QUORUM), null);
});
