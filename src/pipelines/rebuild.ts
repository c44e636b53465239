/** Rebuilds of projections, one at a time in this process, as jobs: begun, looked at, cancelled. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import type { EventLog, TopicPartition } from '../kit/log/event-log.ts';
import type { DocumentComparison } from '../kit/projections/replay-compare.ts';
import { type RebuildLimits, type RebuildOutcome, type RebuildPhase, rebuild } from '../kit/projections/replay-swap.ts';
import type { Snapshot } from '../kit/projections/snapshot-directory.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import type { ProjectionStores, RestoreStore } from './open-stores.ts';
import { type Projection, type ProjectionName, sourceOf } from './projection.ts';
import { GivenUp } from './rebuild-set-aside.ts';
import type { StateAt } from './state-at.ts';

export interface RebuildRequest {
  /** Beside the live version, which goes on; else in its place, empty at first, while its consumers wait. */
  readonly shadow: boolean;
  /** Keeps what was so at the newest snapshot that is not later than this, ms since the epoch. */
  readonly from?: number;
  /** Compares documents at equal positions. */
  readonly diff?: boolean;
  /** Needed for whatever changes what readers see, where nobody would expect it: in place, and `diff` with a swap. */
  readonly execute?: boolean;
  /** With `diff`, in place of `execute`: what was found can be looked at, and then `decide` swaps or not, within ten minutes. */
  readonly ask?: boolean;
  /** Keeps the version that was live. */
  readonly keep?: boolean;
  /** Goes ahead although the log has forgotten its beginning. */
  readonly incomplete?: boolean;
}

export interface RebuildReport {
  readonly id: string;
  readonly projection: ProjectionName;
  readonly state: 'RUNNING' | 'DONE' | 'FAILED' | 'CANCELLED';
  readonly phase: RebuildPhase;
  readonly shadow: boolean;
  /** RFC 3339. */
  readonly started_at: string;
  readonly ended_at: string | null;
  /** Records read. */
  readonly folded: number;
  /** Records between the new version and the live one, as last seen. */
  readonly behind: number;
  /** Records to fold, as far as was known at the beginning; null before that. */
  readonly total: number | null;
  /** RFC 3339: until then it waits for whether to swap; null where it does not wait. */
  readonly decide_by: string | null;
  readonly version: number | null;
  readonly swapped: boolean;
  /** How long consumers waited. */
  readonly paused_ms: number | null;
  /** RFC 3339; null where it began with the log. */
  readonly from_snapshot: string | null;
  readonly comparison: DocumentComparison | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface RebuildParts {
  readonly log: EventLog;
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly projections: readonly Projection[];
  readonly stores: ProjectionStores;
  readonly restore: RestoreStore;
  readonly past: StateAt;
  readonly logger: ConsumerLogger;
  readonly limits?: Partial<RebuildLimits>;
}

interface Job {
  report: RebuildReport;
  readonly cancel: AbortController;
  ended: Promise<void>;
  /** While it is to be decided. */
  decide: ((swap: boolean) => void) | null;
}

const GRACE_MS = 30_000;
/** How long a version that was compared waits for whether it is to be swapped in. */
const DECIDE_MS = 10 * 60_000;

export class Rebuilds {
  readonly #parts: RebuildParts;
  readonly #closing = new AbortController();
  readonly #cleaning = new Set<Promise<void>>();
  #job: Job | null = null;

  constructor(parts: RebuildParts) {
    this.#parts = parts;
  }

  /**
   * Begins one; it goes on by itself.
   *
   * @throws KitError REBUILD_RUNNING; REBUILD_INCOMPLETE where the log no longer has what was counted; INVALID_ARGUMENT
   *   for choices that do not go together
   */
  async start(name: ProjectionName, request: RebuildRequest): Promise<RebuildReport> {
    if (this.#job?.report.state === 'RUNNING') throw running(this.#job.report.projection);
    assertChoices(name, request);
    const job = newJob(name, request);
    // taken before the first pause, so that of two who ask at once one is told
    this.#job = job;
    try {
      const snapshot = request.from === undefined ? null : await this.#parts.past.newestSnapshot(name, request.from);
      if (request.incomplete !== true) await this.#assertComplete(name, snapshot);
      const fromSnapshot = snapshot === null ? null : new Date(snapshot.at).toISOString();
      job.report = { ...job.report, from_snapshot: fromSnapshot };
      job.ended = this.#run(job, name, request, snapshot);
      return job.report;
    } catch (error) {
      this.#job = null;
      throw error;
    }
  }

  /** Of any projection: the one under way, or the last one. */
  latest(): RebuildReport | null {
    return this.#job?.report ?? null;
  }

  /** The one under way, or the last one. @throws KitError UNKNOWN_REBUILD */
  report(name: ProjectionName): RebuildReport {
    if (this.#job?.report.projection !== name)
      throw new KitError('UNKNOWN_REBUILD', `${name} has not been rebuilt since this process began`);
    return this.#job.report;
  }

  /** Ends it, and waits until it has ended. The live version stays. @throws KitError UNKNOWN_REBUILD */
  async cancel(name: ProjectionName): Promise<RebuildReport> {
    this.report(name);
    const job = this.#job!;
    job.cancel.abort(cancelled(job.report));
    await job.ended;
    return job.report;
  }

  /**
   * Swaps the rebuilt version in, or lets it go, after it was compared.
   *
   * @throws KitError UNKNOWN_REBUILD; REBUILD_NOT_WAITING where nothing is to be decided
   */
  decide(name: ProjectionName, swap: boolean): RebuildReport {
    const report = this.report(name);
    const { decide } = this.#job!;
    if (decide === null || report.state !== 'RUNNING')
      throw new KitError('REBUILD_NOT_WAITING', `the rebuild of ${name} does not wait for a decision`, {
        details: { projection: name, state: report.state, phase: report.phase },
      });
    decide(swap);
    return this.#job!.report;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#job !== null) this.#job.cancel.abort(cancelled(this.#job.report));
    await this.#job?.ended;
    await Promise.allSettled(this.#cleaning);
  }

  async #run(job: Job, name: ProjectionName, request: RebuildRequest, snapshot: Snapshot | null): Promise<void> {
    const { logger } = this.#parts;
    const end = (changes: Partial<RebuildReport>) => {
      job.report = { ...job.report, ended_at: new Date().toISOString(), ...changes };
    };
    try {
      const { version, swapped, folded, pausedMs, comparison } = await this.#rebuild(job, name, request, snapshot);
      if (swapped) await this.#forgetSnapshots(name, request.from);
      end({ state: 'DONE', version, swapped, folded, behind: 0, paused_ms: Math.round(pausedMs), comparison });
      logger.info({ projection: name, version, folded, swapped }, 'a projection was rebuilt');
      this.#cleanLater(name);
    } catch (error) {
      const { code, message } = isKitError(error) ? error : { code: 'REBUILD_FAILED', message: String(error) };
      end({ state: job.cancel.signal.aborted ? 'CANCELLED' : 'FAILED', error: { code, message } });
      logger.warn({ projection: name, code, err: error }, `the rebuild has ended: ${message}`);
    }
  }

  #rebuild(
    job: Job,
    name: ProjectionName,
    request: RebuildRequest,
    snapshot: Snapshot | null,
  ): Promise<RebuildOutcome> {
    const { log, codec, projections, stores, restore, past, limits } = this.#parts;
    const projection = projections.find((one) => one.name === name)!;
    const { shadow, diff = false, execute = false, keep = false, ask = false } = request;
    return rebuild({
      store: stores[name],
      source: sourceOf(projection, { log, codec }),
      setAside: new GivenUp(log, projection),
      where: shadow ? 'beside' : 'in place',
      compare: diff,
      swap: !diff || execute,
      ...(ask ? { decide: (comparison) => this.#decision(job, comparison) } : {}),
      keep,
      signal: job.cancel.signal,
      ...(snapshot === null
        ? {}
        : { seed: (target) => past.withSnapshot(name, snapshot, (path) => restore(target, path)) }),
      onProgress: (progress) => {
        job.report = { ...job.report, ...progress };
      },
      limits: { graceMs: GRACE_MS, ...limits },
    });
  }

  async #decision(job: Job, comparison: DocumentComparison): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    job.decide = resolve;
    job.report = { ...job.report, comparison, decide_by: new Date(Date.now() + DECIDE_MS).toISOString() };
    const timer = setTimeout(() => resolve(false), DECIDE_MS);
    timer.unref();
    const { signal } = job.cancel;
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      job.decide = null;
      job.report = { ...job.report, decide_by: null };
    }
  }

  /** What was folded by the function before is not what this one makes of it, but for what was to be kept. */
  async #forgetSnapshots(name: ProjectionName, from = Number.NEGATIVE_INFINITY): Promise<void> {
    await this.#parts.past.snapshots(name).removeWhere(({ at }) => at > from);
  }

  /** Removes the version that was live, once its last readers are through. */
  #cleanLater(name: ProjectionName): void {
    const { limits, stores, logger } = this.#parts;
    const cleaning = delay((limits?.graceMs ?? GRACE_MS) + 1_000, undefined, {
      signal: this.#closing.signal,
      ref: false,
    })
      .catch(() => {})
      .then(() => stores[name].dropRetired(this.#closing.signal.aborted))
      .catch((error: Error) => logger.warn({ projection: name, err: error }, 'an old version could not be removed yet'))
      .finally(() => this.#cleaning.delete(cleaning));
    this.#cleaning.add(cleaning);
  }

  async #assertComplete(name: ProjectionName, snapshot: Snapshot | null): Promise<void> {
    const states = (await this.#parts.stores[name].partitions()).filter(({ next }) => next !== null);
    const starts = new Map(snapshot?.positions.map((one) => [placeKey(one), one.offset]));
    const earliest = await this.#parts.log.listOffsets(
      states.map(({ topic, partition }) => ({ topic, partition, at: 'earliest' as const })),
    );
    const gone = states.reduce(
      (sum, state, index) =>
        sum + Math.max(0, Math.min(earliest[index]!, state.next!) - (starts.get(placeKey(state)) ?? 0)),
      0,
    );
    if (gone === 0) return;
    throw new KitError(
      'REBUILD_INCOMPLETE',
      `${name} has counted ${gone} records that the log no longer has: a rebuild would lose them. Keep what was so until a time ` +
        'with --from (a snapshot is needed), or say --incomplete.',
      { details: { projection: name, gone } },
    );
  }
}

function assertChoices(name: ProjectionName, { shadow, diff, execute, keep, ask }: RebuildRequest): void {
  const refuse = (why: string): never => {
    throw new KitError('INVALID_ARGUMENT', why);
  };
  if (ask && !diff) refuse('ask: there is nothing to decide by without diff');
  if (ask && execute) refuse('ask: execute has decided already; say one of the two');
  if (shadow) return;
  if (diff) refuse('diff: there is nothing to compare with in place; say shadow too');
  if (keep) refuse('keep: in place nothing is left to keep; say shadow too');
  if (!execute) refuse(`in place ${name} is emptied first: say execute, or shadow to build it beside the live one`);
}

function newJob(projection: ProjectionName, { shadow }: RebuildRequest): Job {
  return {
    cancel: new AbortController(),
    ended: Promise.resolve(),
    decide: null,
    report: {
      id: randomUUID(),
      projection,
      state: 'RUNNING',
      phase: 'folding',
      shadow,
      started_at: new Date().toISOString(),
      ended_at: null,
      folded: 0,
      behind: 0,
      total: null,
      decide_by: null,
      version: null,
      swapped: false,
      paused_ms: null,
      from_snapshot: null,
      comparison: null,
      error: null,
    },
  };
}

function running(name: ProjectionName): KitError {
  return new KitError('REBUILD_RUNNING', `${name} is being rebuilt; cancel that, or wait for it`, {
    details: { projection: name },
  });
}

function cancelled({ shadow }: RebuildReport): KitError {
  const left = shadow
    ? 'the live version is as it was'
    : 'the projection is as far as it came, and its consumers go on';
  return new KitError('REBUILD_CANCELLED', `the rebuild was cancelled; ${left}`);
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
