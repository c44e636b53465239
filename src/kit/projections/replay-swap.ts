/**
 * Builds a projection anew and puts it in the place of the live one, while owners go on:
 * 1. the new version follows the live one's positions, never ahead of them, until it is close behind;
 * 2. switching: owners wait, the live version's partitions are claimed, so that their positions stand;
 * 3. the new version comes to exactly these positions, with what waits there waiting here;
 * 4. the pointer moves, and owners claim and go on, as after a restart.
 * Until 4 nothing of the live version has changed but its epochs.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { PartitionOffset, TopicPartition } from '../log/event-log.ts';
import type { ParkedRecord, PartitionState, ProjectionStore } from './projection-store.ts';
import { DEFAULT_REPLAY_LIMITS, type Fate, Replay, type ReplayLimits, type ReplaySource } from './replay.ts';
import { compareDocuments, type DocumentComparison } from './replay-compare.ts';
import type { VersionedStore } from './versioned-store.ts';
import type { VersionLease } from './versions-lease.ts';

/** Records that have no effect on the live version because they were given up. */
export interface SetAside {
  /** Learns of those since the last call. */
  refresh(): Promise<void>;
  has(place: PartitionOffset): boolean;
}

export type RebuildPhase = 'folding' | 'switching' | 'comparing' | 'deciding';

export interface RebuildProgress {
  readonly phase: RebuildPhase;
  readonly folded: number;
  /** Records between the new version and the live one. */
  readonly behind: number;
  /** Records to fold, as far as was known at the beginning; null before that. */
  readonly total: number | null;
}

export interface RebuildOptions<E> {
  readonly store: VersionedStore;
  readonly source: ReplaySource<E>;
  readonly setAside: SetAside;
  readonly where: 'beside' | 'in place';
  /** Whether documents are compared when both versions stand at the same positions; owners wait for it. */
  readonly compare: boolean;
  /** Whether the new version becomes the live one; else it is removed again. */
  readonly swap: boolean;
  /**
   * With `compare`, in place of `swap`: called with what was found, while owners go on and the new version follows them.
   * Answers whether it becomes the live one; rejects to end the rebuild.
   */
  readonly decide?: (comparison: DocumentComparison) => Promise<boolean>;
  /** Whether the version that was live is kept. */
  readonly keep: boolean;
  /** Fills the empty version with what it is to begin with. */
  readonly seed?: (target: ProjectionStore) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly clock?: Clock;
  readonly limits?: Partial<RebuildLimits>;
}

export interface RebuildLimits {
  /** A rebuild that does not answer for so long is over. */
  readonly leaseMs: number;
  /** How long the version that was live stays for its last readers, where it is not kept. */
  readonly graceMs: number;
  /** So close the new version is when the switch begins. */
  readonly switchBehind: number;
  /** Rounds without coming closer before it is given up. */
  readonly maxRounds: number;
  /** Claims under way at a time. */
  readonly claims: number;
  readonly differences: number;
  readonly replay: ReplayLimits;
}

const DEFAULT_LIMITS: RebuildLimits = {
  leaseMs: 10_000,
  graceMs: 30_000,
  switchBehind: 500,
  maxRounds: 20,
  claims: 32,
  differences: 20,
  replay: DEFAULT_REPLAY_LIMITS,
};

export interface RebuildOutcome {
  readonly version: number;
  readonly swapped: boolean;
  readonly folded: number;
  /** How long owners waited. */
  readonly pausedMs: number;
  readonly comparison: DocumentComparison | null;
}

/**
 * @throws KitError REBUILD_RUNNING, REBUILD_LOST, REBUILD_FAILED, REBUILD_CANNOT_KEEP_UP; what the signal gives as its reason; STORE_UNAVAILABLE, LOG_UNAVAILABLE.
 *   The live version is then as it was; one that was rebuilt in place is as far as it came, and its owners go on from there
 */
export async function rebuild<E>(options: RebuildOptions<E>): Promise<RebuildOutcome> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const lease = await options.store.begin(options.where, limits.leaseMs);
  const renewing = keepRenewed(lease, limits.leaseMs, options.clock ?? systemClock);
  const signal = AbortSignal.any([options.signal, renewing.lost]);
  try {
    const run = new RebuildRun({ ...options, signal }, lease, limits);
    return await (options.where === 'beside' ? run.beside() : run.inPlace());
  } catch (error) {
    throw renewing.lost.aborted ? renewing.lost.reason : error;
  } finally {
    renewing.stop();
    // what cannot be told now is found out when the lease is over
    await lease
      .abandon()
      .then(() => options.store.dropRetired())
      .catch(ignoreUnavailable);
  }
}

class RebuildRun<E> {
  readonly #options: RebuildOptions<E>;
  readonly #lease: VersionLease;
  readonly #limits: RebuildLimits;
  readonly #replay: Replay<E>;
  #behind = 0;
  #total: number | null = null;
  #phase: RebuildPhase = 'folding';

  constructor(options: RebuildOptions<E>, lease: VersionLease, limits: RebuildLimits) {
    this.#options = options;
    this.#lease = lease;
    this.#limits = limits;
    this.#replay = new Replay(lease.target, this.#counted(options.source), limits.replay);
  }

  async beside(): Promise<RebuildOutcome> {
    const { compare, swap, decide, keep, signal, seed } = this.#options;
    await seed?.(this.#lease.target);
    await this.#follow();
    signal.throwIfAborted();
    this.#tell('switching');
    const startedAt = performance.now();
    await this.#lease.switching(true);
    await this.#meet(await this.#fence());
    const comparison = compare ? await this.#compare() : null;
    signal.throwIfAborted();
    if (comparison !== null && decide !== undefined) return this.#decided(comparison, startedAt);
    if (swap) await this.#lease.commit({ keep, graceMs: this.#limits.graceMs });
    else await this.#lease.abandon();
    return this.#outcome(swap, startedAt, comparison);
  }

  /** Owners go on; once more they wait while the new version comes to where they are. */
  async #decided(comparison: DocumentComparison, startedAt: number): Promise<RebuildOutcome> {
    const { keep, signal } = this.#options;
    await this.#lease.switching(false);
    const comparedMs = performance.now() - startedAt;
    this.#tell('deciding');
    let wanted: boolean | null = null;
    const deciding = this.#options.decide!(comparison).then((swap) => {
      wanted = swap;
    });
    deciding.catch(() => {});
    while (wanted === null) {
      await this.#follow();
      await Promise.race([deciding, delay(FOLLOW_MS, undefined, { signal })]);
    }
    if (!wanted) {
      await this.#lease.abandon();
      return { ...this.#outcome(false, startedAt, comparison), pausedMs: comparedMs };
    }
    await this.#follow();
    this.#tell('switching');
    const switchedAt = performance.now();
    await this.#lease.switching(true);
    await this.#meet(await this.#fence());
    signal.throwIfAborted();
    await this.#lease.commit({ keep, graceMs: this.#limits.graceMs });
    const outcome = this.#outcome(true, switchedAt, comparison);
    return { ...outcome, pausedMs: comparedMs + outcome.pausedMs };
  }

  async inPlace(): Promise<RebuildOutcome> {
    const startedAt = performance.now();
    const { live } = this.#lease;
    const claimed = await this.#fence();
    await this.#options.setAside.refresh();
    await live.clear();
    await this.#options.seed?.(live);
    await this.#meet(claimed);
    await this.#lease.commit({ keep: false, graceMs: 0 });
    return this.#outcome(true, startedAt, null);
  }

  #outcome(swapped: boolean, startedAt: number, comparison: DocumentComparison | null): RebuildOutcome {
    const pausedMs = performance.now() - startedAt;
    return { version: this.#lease.version, swapped, folded: this.#replay.folded, pausedMs, comparison };
  }

  /** Until the new version is close behind. */
  async #follow(): Promise<void> {
    const { live } = this.#lease;
    const { signal, setAside, store } = this.#options;
    let closest = Number.POSITIVE_INFINITY;
    for (let rounds = 0; ; ) {
      signal.throwIfAborted();
      // in this order: a record below a position, and not waiting, was applied or is known to be set aside
      const states = await live.partitions();
      const waiting = new Map<string, ParkedRecord>();
      for (const state of states) {
        if (state.parked === 0) continue;
        for (const record of await live.parked(state)) waiting.set(placeKey(state, record.offset), record);
      }
      await setAside.refresh();
      this.#behind = this.#lag(states);
      if (this.#behind <= this.#limits.switchBehind) return;
      this.#total ??= this.#replay.folded + this.#behind;
      if (this.#behind < closest) {
        closest = this.#behind;
        rounds = 0;
      } else if (++rounds === this.#limits.maxRounds) {
        throw new KitError(
          'REBUILD_CANNOT_KEEP_UP',
          `${store.name}: events come faster than the rebuild folds them (${this.#behind} records behind); try at a quieter hour`,
          { retriable: true },
        );
      }
      await this.#replay.advance(endsOf(states), this.#fates(waiting), signal);
    }
  }

  #lag(states: readonly PartitionState[]): number {
    return endsOf(states).reduce((sum, end) => sum + Math.max(0, end.offset - (this.#replay.next(end) ?? 0)), 0);
  }

  /** Becomes the owner of all that anyone owned, so that positions and what waits stand. */
  async #fence(): Promise<Fenced[]> {
    const { live } = this.#lease;
    const states = [...(await live.partitions())];
    const fenced: Fenced[] = [];
    const workers = Array.from({ length: this.#limits.claims }, async () => {
      for (let state = states.shift(); state !== undefined; state = states.shift()) {
        const { topic, partition } = state;
        const { next, parked } = await live.claim({ topic, partition });
        if (next !== null) fenced.push({ topic, partition, offset: next, parked });
      }
    });
    await Promise.all(workers);
    return fenced;
  }

  /** Brings the new version to where the live one stands. */
  async #meet(fenced: readonly Fenced[]): Promise<void> {
    const { setAside, signal } = this.#options;
    await setAside.refresh();
    this.#behind = fenced.reduce((sum, at) => sum + Math.max(0, at.offset - (this.#replay.next(at) ?? 0)), 0);
    this.#total ??= this.#behind;
    const waiting = new Map(
      fenced.flatMap(({ topic, partition, parked }) =>
        parked.map((record) => [placeKey({ topic, partition }, record.offset), record] as const),
      ),
    );
    const fates = this.#fates(waiting);
    await this.#replay.advance(fenced, fates, signal);
    for (const { topic, partition, parked } of fenced) await this.#replay.settle({ topic, partition }, parked, fates);
  }

  async #compare(): Promise<DocumentComparison> {
    this.#tell('comparing');
    const { live, target } = this.#lease;
    const { differences: limit } = this.#limits;
    return compareDocuments(live.documents(), target.documents(), { limit, signal: this.#options.signal });
  }

  #fates(waiting: ReadonlyMap<string, ParkedRecord>): (place: PartitionOffset) => Fate {
    const { setAside } = this.#options;
    return (place) => {
      const parked = waiting.size === 0 ? undefined : waiting.get(placeKey(place, place.offset));
      if (parked !== undefined) return { waits: parked };
      return setAside.has(place) ? 'dead' : 'applied';
    };
  }

  /** Progress is told as records are decoded. */
  #counted(source: ReplaySource<E>): ReplaySource<E> {
    let calls = 0;
    return {
      ...source,
      codec: {
        decode: (record) => {
          if (++calls % 1_000 === 0) this.#tell(this.#phase);
          return source.codec.decode(record);
        },
      },
    };
  }

  #tell(phase: RebuildPhase): void {
    this.#phase = phase;
    this.#options.onProgress?.({ phase, folded: this.#replay.folded, behind: this.#behind, total: this.#total });
  }
}

function ignoreUnavailable(error: unknown): void {
  if (!isKitError(error, 'STORE_UNAVAILABLE')) throw error;
}

/** While it is being decided, so often the new version comes close to the live one. */
const FOLLOW_MS = 1_000;

interface Fenced extends PartitionOffset {
  readonly parked: readonly ParkedRecord[];
}

function endsOf(states: readonly PartitionState[]): PartitionOffset[] {
  return states.flatMap(({ topic, partition, next }) => (next === null ? [] : [{ topic, partition, offset: next }]));
}

function placeKey({ topic, partition }: TopicPartition, offset: number): string {
  return `${topic}/${partition}/${offset}`;
}

/** Three times within a lease. What cannot be renewed now is tried again, until the lease is over. */
function keepRenewed(lease: VersionLease, leaseMs: number, clock: Clock): { readonly lost: AbortSignal; stop(): void } {
  const lost = new AbortController();
  let cancel = () => {};
  let stopped = false;
  const later = (): void => {
    cancel = clock.after(leaseMs / 3, () => {
      lease
        .renew()
        .catch((error: unknown) => {
          if (isKitError(error, 'REBUILD_LOST') && !stopped) lost.abort(error);
        })
        .finally(() => {
          if (!stopped && !lost.signal.aborted) later();
        });
    });
  };
  later();
  return {
    lost: lost.signal,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
