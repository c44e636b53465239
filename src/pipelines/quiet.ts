/** When nothing is left to do: every projection at the log's ends, and nothing parked. */
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import { type Clock, steadyClock } from '../kit/clock.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import { pauseMs } from '../kit/waiting.ts';
import type { Projection } from './projection.ts';
import { ends } from './reconciliation.ts';

type Ends = ReadonlyMap<string, readonly number[]>;

const POLL_MS = 100;
const STALL_MS = 120_000;
/** Traffic of others may always have something parked. */
const LONGEST_MS = 30 * 60_000;

/** Every projection at these ends, and nothing parked. */
export async function isQuiet(projections: readonly Projection[], latest: Ends): Promise<boolean> {
  return (await ways(projections, latest)).every(({ arrived }) => arrived);
}

export interface QuietOptions {
  readonly log: EventLog;
  readonly projections: readonly Projection[];
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called ten times a second. */
  onProgress(): Promise<unknown>;
  readonly clock?: Clock;
}

/**
 * Waits until every projection is at what are the log's ends now, for as long as something moves: the hottest key of much
 * traffic may need minutes for its retries. A store or log that is away for a moment ends no wait.
 *
 * @throws KitError NOT_QUIET when nothing has moved for two minutes or half an hour is over, or why the store or log was away;
 *   SHUTTING_DOWN
 */
export async function untilQuiet(options: QuietOptions): Promise<void> {
  const { log, projections, signal, onProgress, clock = steadyClock } = options;
  let latest: Ends | null = null;
  let late: Way[] = [];
  let moved = '';
  const startedAt = clock.now();
  let movedAt = startedAt;
  for (;;) {
    const away = await unlessAway(async () => {
      latest ??= await logEnds(log);
      late = (await ways(projections, latest)).filter(({ arrived }) => !arrived);
    });
    if (away === null && late.length === 0) return;
    if (signal.aborted) throw new KitError('SHUTTING_DOWN', 'The demo was stopped before its end');
    const now = late.map(({ name, done }) => `${name} ${done}`).join();
    if (now !== moved) [moved, movedAt] = [now, clock.now()];
    if (clock.now() - movedAt > STALL_MS || clock.now() - startedAt > LONGEST_MS)
      throw away ?? notQuiet(late, clock.now() - movedAt);
    await onProgress();
    await pauseMs(POLL_MS, clock, signal);
  }
}

function notQuiet(late: readonly Way[], forMs: number): KitError {
  const names = late.map(({ name }) => name).join(', ');
  return new KitError(
    'NOT_QUIET',
    `${names}: not at the log's end, and nothing has moved for ${Math.round(forMs / 1000)} s; does a process run them (--handlers)? ` +
      "See `streamsocial projections list`, and the consumer groups' lag in /metrics",
  );
}

/** A store or log that is away for a moment ends nothing: handlers wait for it too. @returns why it was away; null: it was not */
export async function unlessAway(look: () => Promise<void>): Promise<KitError | null> {
  try {
    await look();
    return null;
  } catch (error) {
    if (isKitError(error) && error.retriable) return error;
    throw error;
  }
}

/** How far a projection is. */
interface Way {
  readonly name: string;
  readonly arrived: boolean;
  /** Records that are settled: applied, known already, or given up. */
  readonly done: number;
}

function ways(projections: readonly Projection[], latest: Ends): Promise<Way[]> {
  return Promise.all(
    projections.map(async ({ name, store, topics }) => {
      const states = await store.partitions();
      const next = new Map(states.map((state) => [`${state.topic}/${state.partition}`, state.next ?? 0]));
      const isThere = (topic: string): boolean =>
        (latest.get(topic) ?? []).every((end, partition) => (next.get(`${topic}/${partition}`) ?? 0) >= end);
      return {
        name,
        arrived: states.every(({ parked }) => parked === 0) && topics.every(isThere),
        done: states.reduce((sum, { tallies }) => sum + tallies.applied + tallies.duplicates + tallies.dead, 0),
      };
    }),
  );
}

/** The next offset of every partition of the social topics, by topic. */
export async function logEnds(log: EventLog): Promise<Map<string, number[]>> {
  const { topics } = await log.describe(SOCIAL_TOPICS);
  return new Map(
    await Promise.all(
      topics.map(async ({ name, partitions }) => [name, await ends(log, name, partitions.length, 'latest')] as const),
    ),
  );
}
