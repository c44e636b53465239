/**
 * What a projection was at a time of the past: the records that were appended before it, folded by the projection's own function
 * into a store that is thrown away, from the newest snapshot on that is not later.
 *
 * Records that are parked now, or that were given up at any time, have no effect on it. An event counts from when it was appended,
 * not from when it says that it happened.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { SqliteProjectionStore } from '../kit/projections/embedded/sqlite-store.ts';
import type { DeduplicationWindow, ParkedRecord } from '../kit/projections/projection-store.ts';
import { Replay } from '../kit/projections/replay.ts';
import { type Snapshot, SnapshotDirectory } from '../kit/projections/snapshot-directory.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { FoldTurns } from './fold-turns.ts';
import { type Projection, type ProjectionName, type StateReader, sourceOf } from './projection.ts';
import { GivenUp } from './rebuild-set-aside.ts';

export interface StateAtOptions {
  readonly log: EventLog;
  readonly projections: readonly Projection[];
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly window: DeduplicationWindow;
  readonly dataDir: string;
  /** Names the code that folds: snapshots of another one are not used. */
  readonly madeBy: string;
  readonly logger: ConsumerLogger;
  /** Shared with whatever else folds the log. */
  readonly turns?: FoldTurns;
  readonly limits?: Partial<StateAtLimits>;
}

export interface StateAtLimits {
  /** Folds under way at a time, and questions that wait for one. */
  readonly folds: number;
  readonly waiting: number;
  readonly timeoutMs: number;
  /** A fold of so many records leaves a snapshot. */
  readonly snapshotAfter: number;
}

export const STATE_AT_LIMITS: StateAtLimits = { folds: 2, waiting: 8, timeoutMs: 100_000, snapshotAfter: 20_000 };

/** How a state came about. */
export interface StateOrigin {
  /** The next offset of every partition. */
  readonly positions: readonly PartitionOffset[];
  /** Records read for it. */
  readonly folded: number;
  /** RFC 3339; null where it began with the log. */
  readonly fromSnapshot: string | null;
  /** Records that the log has forgotten and no snapshot holds; the state lacks them. */
  readonly missing: number;
}

export class StateAt {
  readonly #options: StateAtOptions;
  readonly #limits: StateAtLimits;
  readonly #scratch: string;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #turns: FoldTurns;

  constructor(options: StateAtOptions) {
    this.#options = options;
    this.#limits = { ...STATE_AT_LIMITS, ...options.limits };
    this.#scratch = join(options.dataDir, 'scratch');
    this.#turns = options.turns ?? new FoldTurns(this.#limits);
  }

  snapshots(name: ProjectionName): SnapshotDirectory {
    return new SnapshotDirectory({
      directory: join(this.#options.dataDir, 'snapshots', name),
      onBroken: (why) => this.#options.logger.warn({ projection: name }, why),
    });
  }

  /** The newest that is not later than this; of whatever code made it. */
  async newestSnapshot(name: ProjectionName, at: number): Promise<Snapshot | null> {
    const snapshots = await this.snapshots(name).list();
    return snapshots.findLast((snapshot) => snapshot.at <= at) ?? null;
  }

  /**
   * A copy of a snapshot's file, for as long as `use` takes.
   *
   * @throws KitError REBUILD_FAILED where it is broken
   */
  async withSnapshot(name: ProjectionName, snapshot: Snapshot, use: (path: string) => Promise<void>): Promise<void> {
    await this.#sweep();
    const path = this.#scratchFile();
    try {
      if (!(await this.snapshots(name).restore(snapshot, path)))
        throw new KitError(
          'REBUILD_FAILED',
          `${name}: the snapshot of ${new Date(snapshot.at).toISOString()} is broken`,
        );
      await use(path);
    } finally {
      await removeStore(path);
    }
  }

  /**
   * The states of these projections before `at` (ms since the epoch), for as long as `use` takes.
   *
   * @throws KitError TOO_MANY_FOLDS, FOLD_TOO_LONG (both retriable), REBUILD_FAILED, LOG_UNAVAILABLE; the signal's reason
   */
  async read<N extends ProjectionName, T>(
    names: readonly N[],
    at: number,
    use: (state: Readonly<Record<N, StateReader>>, origin: Readonly<Record<N, StateOrigin>>) => Promise<T>,
    signal: AbortSignal = this.#closing.signal,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(this.#limits.timeoutMs);
    const either = AbortSignal.any([signal, timeout, this.#closing.signal]);
    try {
      return await this.#turns.run(() => this.#whileRunning(this.#read(names, at, use, either)), either);
    } catch (error) {
      if (!timeout.aborted || signal.aborted) throw error;
      const seconds = Math.round(this.#limits.timeoutMs / 1_000);
      throw new KitError('FOLD_TOO_LONG', `the log could not be folded up to that time within ${seconds} s`, {
        cause: error,
        retriable: true,
      });
    }
  }

  async #whileRunning<T>(reading: Promise<T>): Promise<T> {
    this.#running.add(reading);
    try {
      return await reading;
    } finally {
      this.#running.delete(reading);
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort(new KitError('SHUTTING_DOWN', 'the server is shutting down', { retriable: true }));
    await Promise.allSettled(this.#running);
  }

  async #read<N extends ProjectionName, T>(
    names: readonly N[],
    at: number,
    use: (state: Readonly<Record<N, StateReader>>, origin: Readonly<Record<N, StateOrigin>>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    await this.#sweep();
    const pasts: Past[] = [];
    try {
      const state: Partial<Record<N, StateReader>> = {};
      const origin: Partial<Record<N, StateOrigin>> = {};
      for (const name of names) {
        const past = await this.#fold(name, at, signal);
        pasts.push(past);
        state[name] = past.store;
        origin[name] = past.origin;
      }
      return await use(state as Record<N, StateReader>, origin as Record<N, StateOrigin>);
    } finally {
      for (const past of pasts) await this.#release(past);
    }
  }

  async #fold(name: ProjectionName, at: number, signal: AbortSignal): Promise<Past> {
    const projection = this.#options.projections.find((one) => one.name === name)!;
    const { log, codec, window } = this.#options;
    const ends = await this.#ends(projection, at);
    const path = this.#scratchFile();
    const snapshot = await this.#restore(name, ends, path);
    const store = await SqliteProjectionStore.open({ path, name, window });
    try {
      const parked = await parkedNow(projection);
      const givenUp = new GivenUp(log, projection);
      await givenUp.refresh();
      const missing = await this.#missing(ends, snapshot);
      const replay = new Replay(store, sourceOf(projection, { log, codec }));
      const fates = (place: PartitionOffset) => {
        const waits = parked.get(placeKey(place))?.get(place.offset);
        if (waits !== undefined) return { waits };
        return givenUp.has(place) ? 'dead' : 'applied';
      };
      await replay.advance(ends, fates, signal);
      // what is parked now may have an effect tomorrow: such a state is not worth keeping
      const final = ends.every((end) =>
        [...(parked.get(placeKey(end))?.keys() ?? [])].every((one) => one >= end.offset),
      );
      return {
        name,
        at,
        path,
        store,
        keep: final && missing === 0 && replay.folded >= this.#limits.snapshotAfter,
        origin: {
          positions: ends,
          folded: replay.folded,
          fromSnapshot: snapshot === null ? null : new Date(snapshot.at).toISOString(),
          missing,
        },
      };
    } catch (error) {
      await store.close();
      await removeStore(path);
      throw error;
    }
  }

  /** Where the records begin that were appended at `at` or later. */
  async #ends({ topics }: Projection, at: number): Promise<PartitionOffset[]> {
    const { log } = this.#options;
    const described = (await log.describe(topics)).topics;
    const places = described.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }): TopicPartition => ({ topic: name, partition })),
    );
    const offsets = await log.listOffsets(places.map((place) => ({ ...place, at })));
    return places.map((place, index) => ({ ...place, offset: offsets[index]! }));
  }

  async #restore(name: ProjectionName, ends: readonly PartitionOffset[], path: string): Promise<Snapshot | null> {
    const directory = this.snapshots(name);
    const known = new Map(ends.map((end) => [placeKey(end), end.offset]));
    const fits = ({ positions, madeBy }: Snapshot) =>
      madeBy === this.#options.madeBy && positions.every((one) => one.offset <= (known.get(placeKey(one)) ?? -1));
    for (const snapshot of (await directory.list()).filter(fits).reverse()) {
      if (await directory.restore(snapshot, path)) return snapshot;
    }
    return null;
  }

  async #missing(ends: readonly PartitionOffset[], snapshot: Snapshot | null): Promise<number> {
    const starts = new Map(snapshot?.positions.map((one) => [placeKey(one), one.offset]));
    const earliest = await this.#options.log.listOffsets(ends.map((end) => ({ ...end, at: 'earliest' as const })));
    return ends.reduce(
      (sum, end, index) => sum + Math.max(0, Math.min(earliest[index]!, end.offset) - (starts.get(placeKey(end)) ?? 0)),
      0,
    );
  }

  async #release({ name, at, path, store, keep, origin }: Past): Promise<void> {
    await store.close();
    if (keep) {
      const note = { at, positions: origin.positions, madeBy: this.#options.madeBy };
      await this.snapshots(name)
        .add(note, path)
        .catch((error: Error) => this.#options.logger.warn({ projection: name, err: error }, 'no snapshot was kept'));
    }
    await removeStore(path);
  }

  #scratchFile(): string {
    return join(this.#scratch, `${process.pid}-${randomUUID()}.db`);
  }

  /** What a process has left that was killed. */
  async #sweep(): Promise<void> {
    await mkdir(this.#scratch, { recursive: true });
    for (const name of await readdir(this.#scratch)) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1]);
      if (!Number.isNaN(pid) && !isAlive(pid)) await rm(join(this.#scratch, name), { force: true });
    }
  }
}

interface Past {
  readonly name: ProjectionName;
  readonly at: number;
  readonly path: string;
  readonly store: SqliteProjectionStore;
  readonly keep: boolean;
  readonly origin: StateOrigin;
}

/** What waits, by `topic/partition` and offset. */
export async function parkedNow({ store }: Pick<Projection, 'store'>): Promise<Map<string, Map<number, ParkedRecord>>> {
  const parked = new Map<string, Map<number, ParkedRecord>>();
  for (const state of await store.partitions()) {
    if (state.parked === 0) continue;
    const records = await store.parked(state);
    parked.set(placeKey(state), new Map(records.map((record) => [record.offset, record])));
  }
  return parked;
}

async function removeStore(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
