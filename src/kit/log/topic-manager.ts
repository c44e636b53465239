import { isKitError, KitError } from '../errors.ts';
import type { EventLog, TopicDescription, TopicSpec } from './event-log.ts';

export interface TopicDeviation {
  readonly topic: string;
  readonly what: 'missing' | 'partitions' | 'replicationFactor';
  readonly expected: number;
  readonly actual: number;
}

export interface EnsureResult {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  /** Deviations that do not stop anything: the replication factor of a topic that was there already. */
  readonly warnings: readonly TopicDeviation[];
}

/** Rounds of `ensure` that may lose the race for a topic against another process. */
const MAX_ROUNDS = 5;

/**
 * Brings topics into being and checks them. It never shrinks or re-partitions: both move keys to other partitions and
 * break their order, so they are a person's decision. Topic configuration is given at creation and not compared later.
 */
export class TopicManager {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /**
   * Creates what is missing. Nothing is created when an existing topic has another number of partitions.
   *
   * @throws KitError TOPIC_MISMATCH (`details.deviations`), INVALID_ARGUMENT (a name twice), and those of
   *   `EventLog.createTopics` and `describe`
   */
  async ensure(specs: readonly TopicSpec[]): Promise<EnsureResult> {
    const created: string[] = [];
    for (let round = 1; ; round++) {
      const deviations = await this.verify(specs);
      const mismatches = deviations.filter(({ what }) => what === 'partitions');
      if (mismatches.length > 0) throw mismatchError(mismatches);
      const absent = new Set(deviations.filter(({ what }) => what === 'missing').map(({ topic }) => topic));
      const missing = specs.filter(({ name }) => absent.has(name));
      try {
        if (missing.length > 0) await this.#log.createTopics(missing);
      } catch (error) {
        // Another process created one in between: look again at what it made.
        if (round < MAX_ROUNDS && isKitError(error, 'TOPIC_EXISTS')) continue;
        throw error;
      }
      created.push(...absent);
      return {
        created,
        existing: specs.map(({ name }) => name).filter((name) => !absent.has(name)),
        warnings: deviations.filter(({ what }) => what === 'replicationFactor'),
      };
    }
  }

  /** How existing topics deviate from the specs; empty when all is as it should be. Changes nothing. */
  async verify(specs: readonly TopicSpec[]): Promise<TopicDeviation[]> {
    if (new Set(specs.map(({ name }) => name)).size < specs.length) {
      throw new KitError('INVALID_ARGUMENT', 'a topic is specified twice');
    }
    const topics = new Map((await this.describe()).map((topic) => [topic.name, topic]));
    return specs.flatMap((spec) => this.#deviations(spec, topics.get(spec.name)));
  }

  /** Without names: every topic that is not internal. @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE */
  async describe(names?: readonly string[]): Promise<readonly TopicDescription[]> {
    return (await this.#log.describe(names)).topics;
  }

  #deviations(spec: TopicSpec, found: TopicDescription | undefined): TopicDeviation[] {
    const compare = (what: TopicDeviation['what'], expected: number, actual: number): TopicDeviation[] =>
      expected === actual ? [] : [{ topic: spec.name, what, expected, actual }];
    if (found === undefined) return compare('missing', spec.partitions, 0);
    const replicas = found.partitions.map((partition) => partition.replicas.length);
    const factor = this.#log.kind === 'kafka' ? spec.replicationFactor : undefined;
    return [
      ...compare('partitions', spec.partitions, found.partitions.length),
      ...(factor === undefined ? [] : compare('replicationFactor', factor, Math.min(...replicas))),
    ];
  }
}

function mismatchError(deviations: readonly TopicDeviation[]): KitError {
  const list = deviations.map(({ topic, expected, actual }) => `${topic} has ${actual}, not ${expected}`).join('; ');
  return new KitError(
    'TOPIC_MISMATCH',
    `partitions differ from what is asked for: ${list}. Nothing was changed, because a key's order would break; ` +
      'ask for the present number, or use another topic',
    { details: { deviations } },
  );
}
