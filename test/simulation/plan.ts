/** What a seed decides before anything runs: the size of the system, its settings, and what will go wrong when. */
import type { ConsumerLimits } from '../../src/kit/consumers/consumer-options.ts';
import type { ProducerLimits } from '../../src/kit/producers/producer-options.ts';
import type { RetryPolicyOptions } from '../../src/kit/retry/retry-policy.ts';
import type { NetworkFaults } from './network.ts';
import type { Random } from './random.ts';

/** Each is one thing that an operator has seen. */
export const FAULTS = [
  /** A process dies, wherever it happens to be; its successor starts a little later. */
  'crash-consumer',
  'crash-client',
  /** A process stands still, often past its session, and goes on as a zombie. */
  'pause-consumer',
  'pause-client',
  /** A producer is closed, perhaps before it has sent everything, and another one opened. */
  'close-client',
  /** A member leaves in order, and another one comes. */
  'leave',
  /** One more member for a while. */
  'join',
  /** A partition is without a leader, then has another one, whose end lags for a moment. */
  'election',
  /** No partition has a leader. */
  'no-quorum',
  /** The coordinator forgets its members. */
  'coordinator-restart',
  /** The store refuses, or does what it is asked and fails to say so. */
  'store-outage',
  /** The store comes back empty. */
  'store-loss',
  /** Somebody sets a wall clock. */
  'clock-jump',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
}

/** What a handler makes of one event, the same at every delivery of the same attempt. */
export type Fate =
  | { readonly kind: 'ok' | 'poison' | 'dead' | 'throws' | 'refused' | 'conflict' }
  /** Answers after a while. */
  | { readonly kind: 'slow'; readonly lastsMs: number }
  /** Fails this often; then it succeeds, if it still has an attempt. */
  | { readonly kind: 'flaky' | 'again'; readonly failures: number }
  /** Finds everything down for the first so many calls. */
  | { readonly kind: 'systemic'; readonly calls: number };

export interface Plan {
  readonly partitions: number;
  readonly keys: number;
  readonly clients: number;
  readonly consumers: number;
  /** Distinct events; clients send some of them more than once. */
  readonly events: number;
  /** Sending, and going wrong, ends after this; then everything has to come to rest. */
  readonly activeMs: number;
  readonly repeats: number;
  readonly keyless: number;
  readonly ackTimeouts: number;
  readonly fates: readonly Fate['kind'][];
  readonly producer: Partial<ProducerLimits>;
  readonly consumer: Partial<ConsumerLimits>;
  readonly retry: RetryPolicyOptions & { readonly attempts: number };
  readonly sessionTimeoutMs: number;
  readonly network: NetworkFaults;
  readonly broker: {
    readonly nodes: number;
    /** More in one batch are refused. */
    readonly maxBatchRecords: number;
    /** Share of appends that are stored and answered with a timeout. */
    readonly storeAndFail: number;
    /** Share of fetches that begin before the offset that was asked for. */
    readonly redeliver: number;
    readonly fetchRecords: number;
  };
  readonly faults: readonly PlannedFault[];
}

const HARMLESS: readonly Fate['kind'][] = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'];
const TROUBLE: readonly Fate['kind'][] = [
  'slow',
  'flaky',
  'flaky',
  'again',
  'dead',
  'poison',
  'throws',
  'systemic',
  'refused',
  'conflict',
];

export function planFor(random: Random): Plan {
  // Most seeds have a few kinds of trouble only: many at once hide each other.
  const some = (share: number, most: number) => (random.chance(share) ? random.next() * most : 0);
  const kinds = FAULTS.filter(() => random.chance(0.3));
  const activeMs = random.between(500, 4_000);
  const faults = Array.from({ length: kinds.length === 0 ? 0 : random.between(1, 8) }, () => ({
    atMs: random.between(10, activeMs),
    kind: random.pick(kinds),
    lastsMs: random.skewed(5, 4_000),
  }));
  const attempts = random.between(1, 5);
  return {
    partitions: random.between(1, 3),
    keys: random.between(1, 6),
    clients: random.between(1, 2),
    consumers: random.between(1, 3),
    events: random.skewed(5, 120),
    activeMs,
    repeats: some(0.5, 0.4),
    keyless: some(0.2, 0.2),
    ackTimeouts: some(0.3, 0.3),
    fates: [...HARMLESS, ...TROUBLE.filter(() => random.chance(0.35))],
    producer: {
      maxQueuedRecords: random.skewed(2, 60),
      maxQueuedBytes: random.skewed(200, 10_000),
      maxWaitingCallers: random.between(1, 20),
      maxBatchRecords: random.between(1, 12),
      maxBatchBytes: random.between(100, 2_000),
      deliveryTimeoutMs: random.between(300, 3_000),
      retryBackoffMs: random.between(5, 50),
      retryBackoffMaxMs: random.between(50, 200),
      metadataMaxAgeMs: random.pick([200, 300_000]),
    },
    consumer: {
      maxChunkRecords: random.skewed(1, 30),
      maxChunkMs: random.pick([1, 50, 200]),
      maxBatchMs: random.pick([20, 200, 10_000]),
      stopGraceMs: random.between(50, 1_000),
      maxWaiters: random.between(1, 10),
      retryTickMs: random.between(1, 20),
      maxRecoveryDelayMs: random.between(50, 500),
      parking: { maxPerKey: random.between(1, 8), maxPerPartition: random.between(1, 16) },
    },
    retry: { attempts, baseMs: random.between(5, 100), maxMs: random.between(100, 500) },
    sessionTimeoutMs: random.between(400, 1_500),
    network: {
      latencyMs: random.pick([0.1, 1, 5]),
      slow: some(0.4, 0.1),
      slowMs: random.pick([50, 300, 1_500]),
      loseRequest: some(0.4, 0.1),
      loseAnswer: some(0.4, 0.1),
    },
    broker: {
      nodes: random.between(1, 3),
      maxBatchRecords: random.chance(0.1) ? random.between(1, 4) : 1_000,
      storeAndFail: some(0.4, 0.2),
      redeliver: some(0.3, 0.5),
      fetchRecords: random.pick([2, 10, 500]),
    },
    faults,
  };
}

/** @returns whether events of this fate end in the dead letter queue */
export function isDeadly(fate: Fate, attempts: number): boolean {
  switch (fate.kind) {
    case 'ok':
    case 'slow':
    case 'systemic':
      return false;
    case 'flaky':
    case 'again':
      return fate.failures >= attempts;
    default:
      return true;
  }
}

export function drawFate(kinds: readonly Fate['kind'][], random: Random): Fate {
  const kind = random.pick(kinds);
  switch (kind) {
    case 'slow':
      return { kind, lastsMs: random.skewed(1, 600) };
    case 'flaky':
    case 'again':
      return { kind, failures: random.between(1, 5) };
    case 'systemic':
      return { kind, calls: random.between(1, 3) };
    default:
      return { kind };
  }
}
