/** What an operator should know of, in plain words, worst first. Pure. */
import type { ClusterReport } from '../../kit/monitoring/cluster-report.ts';
import type { ProducerHealth } from '../../kit/producers/producer-options.ts';
import type { GroupFlow, ProducerFlow, PulseSample, Severity, Trouble } from './pulse-report.ts';

export interface Symptoms {
  readonly runtime: PulseSample['runtime'];
  readonly health: ClusterReport | null;
  readonly producer: ProducerFlow;
  readonly stalled: ProducerHealth;
  readonly groups: readonly GroupFlow[];
  /** Why the projections cannot be read or written; null: they can, or it is not known. */
  readonly storeError: string | null;
  readonly openDeadLetters: number | null;
  readonly wallMs: number;
}

const MAX_TROUBLES = 20;
/** A batch that is tried again for a moment is no trouble yet. */
const STALLED_MS = 3_000;
const BEHIND_SECONDS = 10;
const FAR_BEHIND_SECONDS = 60;
const LITTLE_SPACE_BYTES = 2 * 1024 ** 3;
const HARDLY_ANY_BYTES = 256 * 1024 ** 2;
const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

export function troublesOf(symptoms: Symptoms): Trouble[] {
  const { runtime, storeError, openDeadLetters } = symptoms;
  const found: Trouble[] = [];
  if (runtime.state === 'SYSTEM_ERROR')
    found.push(trouble('critical', `The system is in error: ${runtime.cause ?? 'no cause is known'}`, null));
  found.push(...ofLog(symptoms.health), ...ofProducer(symptoms));
  if (storeError !== null)
    found.push(
      trouble(
        'critical',
        `The store of the projections does not answer: ${storeError}. Handlers wait for it, and events go on into the log`,
        '/cluster',
      ),
    );
  for (const group of symptoms.groups) found.push(...ofGroup(group));
  if (openDeadLetters !== null && openDeadLetters > 0)
    found.push(
      trouble('warning', `${count(openDeadLetters, 'dead letter')} ${isAre(openDeadLetters)} open`, '/failures'),
    );
  return found.sort((a, b) => RANK[a.severity] - RANK[b.severity]).slice(0, MAX_TROUBLES);
}

function ofLog(health: ClusterReport | null): Trouble[] {
  if (health === null) return [];
  const found: Trouble[] = [];
  const say = (severity: Severity, text: string) => void found.push(trouble(severity, text, '/cluster'));
  const { offline_partitions, under_min_isr_partitions, under_replicated_partitions } = health;
  if (health.broker_count === 0)
    say('critical', `The log does not answer${health.error === undefined ? '' : `: ${health.error}`}`);
  else if (offline_partitions > 0)
    say(
      'critical',
      `${count(offline_partitions, 'partition')} ${hasHave(offline_partitions)} no leader: nothing can be written to or read from there`,
    );
  if (under_min_isr_partitions > 0)
    say(
      'critical',
      `${count(under_min_isr_partitions, 'partition')} ${isAre(under_min_isr_partitions)} below the least number of in-sync replicas: writes there are refused`,
    );
  if (under_replicated_partitions > 0)
    say(
      'warning',
      `${count(under_replicated_partitions, 'partition')} ${isAre(under_replicated_partitions)} under-replicated`,
    );
  if (health.mode === 'kafka' && health.broker_count > 0 && health.controller_id < 0)
    say('critical', 'The cluster has no controller: no leader can be elected, no topic changed');
  for (const { id, state, answers, reason, usable_bytes: free } of health.brokers) {
    if (!answers) say('critical', `Broker ${id} does not answer (${state}): ${reason}`);
    else if (state !== 'RUNNING') say('warning', `Broker ${id} is ${state}: ${reason}`);
    if (free !== null && free < LITTLE_SPACE_BYTES)
      say(
        free < HARDLY_ANY_BYTES ? 'critical' : 'warning',
        `The disk of broker ${id} is nearly full: ${Math.floor(free / 1024 ** 2).toLocaleString('en-US')} MiB are free`,
      );
  }
  for (const missing of health.incomplete.slice(0, 3)) say('info', `Not learned at the last look: ${missing}`);
  return found;
}

function ofProducer({ producer, stalled, wallMs }: Symptoms): Trouble[] {
  const found: Trouble[] = [];
  const { stalledSinceMs, stalledLanes, lastErrorCode } = stalled;
  const [first] = stalledLanes;
  if (stalledSinceMs !== null && first !== undefined && wallMs - stalledSinceMs >= STALLED_MS) {
    const others = stalledLanes.length > 1 ? ` and ${count(stalledLanes.length - 1, 'other partition')}` : '';
    const since = duration((wallMs - stalledSinceMs) / 1000);
    const why = lastErrorCode === null ? '' : ` (${lastErrorCode})`;
    found.push(
      trouble(
        'critical',
        `${first.topic}/${first.partition}${others} has acknowledged nothing for ${since}${why}`,
        '/cluster',
      ),
    );
  }
  if (producer.errors_per_second > 0)
    found.push(
      trouble(
        'warning',
        `${producer.errors_per_second.toFixed(1)} publishes a second fail, ${producer.failed.toLocaleString('en-US')} in all`,
        null,
      ),
    );
  return found;
}

function ofGroup({ group, handler, halted, lag, worst, parked, members, lag_seconds: seconds }: GroupFlow): Trouble[] {
  const found: Trouble[] = [];
  const name = handler ?? group;
  const link = `/consumers/${encodeURIComponent(group)}`;
  if (halted === 'stopped') found.push(trouble('critical', `${name} has stopped: it processes nothing`, link));
  if (members === 0 && lag > 0) {
    found.push(
      trouble(
        handler === null ? 'info' : 'critical',
        `${name} has no members, and ${count(lag, 'record')} ${lag === 1 ? 'waits' : 'wait'}`,
        link,
      ),
    );
  } else if (worst !== null && seconds !== null && seconds >= BEHIND_SECONDS) {
    const severity = seconds >= FAR_BEHIND_SECONDS ? 'critical' : 'warning';
    const where = `${worst.topic}/${worst.partition}`;
    found.push(
      trouble(severity, `${name} is ${duration(seconds)} behind on ${where} (${count(lag, 'record')} in all)`, link),
    );
  }
  if (parked !== null && parked > 0)
    found.push(
      trouble(
        'info',
        `${count(parked, 'event')} of ${name} ${parked === 1 ? 'waits' : 'wait'} for a retry, or behind one`,
        '/failures/parked',
      ),
    );
  return found;
}

function trouble(severity: Severity, text: string, link: string | null): Trouble {
  return { severity, text, link };
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

function isAre(n: number): string {
  return n === 1 ? 'is' : 'are';
}

function hasHave(n: number): string {
  return n === 1 ? 'has' : 'have';
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
