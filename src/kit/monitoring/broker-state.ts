/**
 * The state of one broker, concluded from what was observed of it. Pure: the same evidence gives the same state. The rules are in
 * the order in which they are tried; docs/health.md has them as a table.
 */
import type { BrokerPhase, BrokerReading } from './broker-telemetry.ts';
import type { QuorumFacts } from './cluster-facts.ts';
import type { BrokerRole, BrokerState } from './cluster-report.ts';

export interface BrokerEvidence {
  /** Within the time that one request has. */
  readonly answers: boolean;
  /** Live by the cluster's metadata: registered and not fenced. */
  readonly registered: boolean;
  readonly role: BrokerRole | null;
  /** Whether the metadata quorum has a leader. */
  readonly quorumHasLeader: boolean;
  /** Since its last fetch from the quorum's leader, by that one's clock; null where that is unknown. */
  readonly fetchAgeMs: number | null;
  /** Partitions that it has a replica of and is not in the ISR of. */
  readonly outOfSync: number;
  /** Records behind, over those; null where its logs are unknown. */
  readonly replicaLag: number | null;
  readonly replicaLagBefore: number | null;
  /** Partitions without a leader that answers, of whose ISR it is one: it may become their leader. */
  readonly awaitingElection: number;
  /** As its launcher has it; null where there is none. */
  readonly process: BrokerReading['process'] | null;
  /** The process is not the one that answered last. */
  readonly newProcess: boolean;
  readonly phase: BrokerPhase | null;
  /** Its state at the look before; null at the first. */
  readonly before: BrokerState | null;
  /** Since it last answered; null where it never did. */
  readonly answeredAgoMs: number | null;
}

export interface Verdict {
  readonly state: BrokerState;
  readonly reason: string;
}

/** Who follows the quorum fetches from its leader twice a second at least: younger than this, it was alive just now. */
export const FRESH_FETCH_MS = 1_000;
/** Who follows and has not fetched for so long holds an election (`controller.quorum.fetch.timeout.ms`): it cannot reach the leader. */
export const CUT_OFF_MS = 2_000;
/**
 * A broker that dies is silent first and deregistered when its session is over, `broker.session.timeout.ms` after its last heartbeat
 * (9 s; 3 s in our clusters, of which 1.9 s were left to one that was killed). One that is shut down is deregistered first. Who
 * answered at the look before and is out sooner than this was shut down.
 */
export const ORDERLY_MS = 1_500;

export function brokerState(evidence: BrokerEvidence): Verdict {
  return evidence.answers ? stateOfAnswering(evidence) : stateOfSilent(evidence);
}

function stateOfSilent(evidence: BrokerEvidence): Verdict {
  const { registered, phase, before, answeredAgoMs, fetchAgeMs } = evidence;
  const wasUp = before === 'RUNNING' || before === 'RECOVERING' || before === 'LEADER_ELECTION';
  const wasTakenOut = wasUp && !registered && answeredAgoMs !== null && answeredAgoMs < ORDERLY_MS;
  const orderly = before === 'SHUTDOWN' || wasTakenOut;
  if (evidence.process?.status === 'gone') {
    return (evidence.process.endedInOrder ?? orderly)
      ? { state: 'SHUTDOWN', reason: 'its process has ended, in order' }
      : { state: 'FAILED', reason: 'its process is gone' };
  }
  if (evidence.process?.status === 'paused') return { state: 'FAILED', reason: 'its process is paused' };
  if (phase === 'stopping') return { state: 'SHUTDOWN', reason: 'it is shutting down' };
  if (phase === 'starting') return { state: 'STARTING', reason: 'it is starting' };
  if (phase === 'recovering') return { state: 'RECOVERING', reason: 'it reads its logs before it takes requests' };
  if (evidence.process?.status === 'running' && evidence.newProcess)
    return { state: 'STARTING', reason: 'its process runs and has not answered yet' };
  if (!registered && isFresh(fetchAgeMs)) {
    return orderly || wasUp
      ? { state: 'SHUTDOWN', reason: 'deregistered, while it still follows the metadata' }
      : { state: 'STARTING', reason: 'it follows the metadata and does not take requests yet' };
  }
  if (orderly) return { state: 'SHUTDOWN', reason: 'it was deregistered before it fell silent' };
  return {
    state: 'FAILED',
    reason: registered ? 'it does not answer' : 'it does not answer, and the controllers have fenced it',
  };
}

function stateOfAnswering(evidence: BrokerEvidence): Verdict {
  const { phase, before, outOfSync, awaitingElection, role } = evidence;
  if (phase === 'stopping') return { state: 'SHUTDOWN', reason: 'it is shutting down' };
  if (phase === 'starting') return { state: 'STARTING', reason: 'it is starting' };
  if (phase === 'recovering') return { state: 'RECOVERING', reason: 'it reads its logs' };
  if (!evidence.registered && evidence.quorumHasLeader) {
    if (evidence.fetchAgeMs !== null && evidence.fetchAgeMs > CUT_OFF_MS)
      return { state: 'FAILED', reason: 'it answers, but the controllers do not hear from it and have fenced it' };
    return before === null || before === 'STARTING' || before === 'FAILED'
      ? { state: 'STARTING', reason: 'it answers and is not registered yet' }
      : { state: 'SHUTDOWN', reason: 'it answers and is registered no more' };
  }
  if (!evidence.quorumHasLeader && role !== 'observer')
    return { state: 'LEADER_ELECTION', reason: 'the controllers have no leader' };
  if (awaitingElection > 0)
    return {
      state: 'LEADER_ELECTION',
      reason: `${partitions(awaitingElection)} it may lead ${awaitingElection === 1 ? 'has' : 'have'} no leader`,
    };
  if (outOfSync > 0)
    return { state: 'RECOVERING', reason: `not in sync in ${partitions(outOfSync)}${catchingUp(evidence)}` };
  return { state: 'RUNNING', reason: 'it answers, is registered and in sync' };
}

function isFresh(fetchAgeMs: number | null): boolean {
  return fetchAgeMs !== null && fetchAgeMs <= FRESH_FETCH_MS;
}

function partitions(count: number): string {
  return `${count} ${count === 1 ? 'partition' : 'partitions'}`;
}

/** End-offset progress: whether the distance to the leaders shrinks. */
function catchingUp({ replicaLag, replicaLagBefore }: BrokerEvidence): string {
  if (replicaLag === null) return '';
  if (replicaLag === 0) return ', has every record';
  const progress =
    replicaLagBefore === null ? '' : replicaLag < replicaLagBefore ? ', catching up' : ', NOT catching up';
  return `, ${replicaLag} records behind${progress}`;
}

/** Null without a quorum, and for a node that it does not know. */
export function brokerRole(id: number, quorum: QuorumFacts | null): BrokerRole | null {
  if (quorum === null) return null;
  if (quorum.leaderId === id) return 'controller_leader';
  if (quorum.voters.some((voter) => voter.id === id)) return 'controller_follower';
  return quorum.observers.some((observer) => observer.id === id) ? 'observer' : null;
}

export interface QuorumProgress {
  readonly lag: number;
  readonly fetchAgeMs: number | null;
  readonly caughtUpAgeMs: number | null;
}

/**
 * How far a node is behind the metadata quorum, by the leader's clock: it stamps itself at the moment of the answer. The leader itself
 * is never behind.
 */
export function quorumProgress(id: number, quorum: QuorumFacts | null): QuorumProgress | null {
  if (quorum === null) return null;
  const everyone = [...quorum.voters, ...quorum.observers];
  const replica = everyone.find((one) => one.id === id);
  if (replica === undefined) return null;
  const now = everyone.find((one) => one.id === quorum.leaderId)?.lastFetchAt ?? -1;
  const age = (at: number): number | null => (at < 0 || now < 0 ? null : Math.max(0, now - at));
  return {
    lag: Math.max(0, quorum.highWatermark - replica.logEndOffset),
    fetchAgeMs: age(replica.lastFetchAt),
    caughtUpAgeMs: age(replica.lastCaughtUpAt),
  };
}
