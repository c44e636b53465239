/**
 * A projection of which one version is live and another may be built. To its readers and owners it is one store: a swap shows
 * to owners as a position that is no longer theirs (`mismatch`: claim again and go on at `next`), to readers not at all.
 *
 * A claim counts only if the pointer is still the same after it. A rebuild first says that it is switching, then claims the
 * live version's partitions, so of an owner's claim and the rebuild's one comes last: either the rebuild's, and the owner
 * is fenced, or the owner's, and it finds that a switch is under way.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, steadyClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { TopicPartition } from '../log/event-log.ts';
import type {
  ApplyBatch,
  ApplyOutcome,
  Document,
  KeyPage,
  KeyQuery,
  ParkedRecord,
  PartitionClaim,
  PartitionState,
  ProjectionStore,
} from './projection-store.ts';
import { type VersionPointer, type Versions, withoutExpired } from './versions.ts';
import { VersionLease } from './versions-lease.ts';

export interface VersionedStoreOptions {
  readonly name: string;
  readonly pointer: VersionPointer;
  /** The store of a version, made where there is none. */
  open(version: number): Promise<ProjectionStore>;
  /** Removes all that is left of a version, which is closed here and read by nobody any more. */
  drop(version: number): Promise<void>;
  readonly clock?: Clock;
  /** How long readers elsewhere may go on with a version after a swap. Default 200. */
  readonly maxAgeMs?: number;
}

/** Redis' epochs begin at the time in ms, which stays below this until 2109. */
const EPOCHS_PER_VERSION = 2 ** 42;
/** Epochs of all versions stay integers that are exact. */
export const MAX_VERSION = 2 ** 11 - 1;
const DEFAULT_MAX_AGE_MS = 200;
const MAX_ATTEMPTS = 5;

export class VersionedStore implements ProjectionStore {
  readonly name: string;
  readonly #options: VersionedStoreOptions;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #stores = new Map<number, Promise<ProjectionStore>>();
  /** The version that was claimed here last, by partition. */
  readonly #claimed = new Map<string, number>();
  #known: { readonly versions: Versions; readonly at: number; readonly read: number } | null = null;
  #reads = 0;
  #reading: Promise<Versions> | null = null;

  constructor(options: VersionedStoreOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? steadyClock;
    this.#maxAgeMs = options.maxAgeMs ?? DEFAULT_MAX_AGE_MS;
  }

  /**
   * Opens the live version, and removes those whose time has come. A store that cannot be reached now is reached later.
   *
   * @throws what `open` of a version throws, but for STORE_UNAVAILABLE
   */
  async open(): Promise<void> {
    try {
      await this.#live();
      await this.dropRetired();
    } catch (error) {
      if (!isKitError(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }

  /** As it is now. A rebuild that has run out of time is ended by this. */
  async versions(): Promise<Versions> {
    for (let attempt = 1; ; attempt++) {
      const read = ++this.#reads;
      const found = await this.#options.pointer.read();
      const versions = withoutExpired(found, this.#clock.now());
      if (versions === found || (await this.#options.pointer.compareAndSet(found, versions))) {
        // an answer that was overtaken by a later one tells nothing new
        if ((this.#known?.read ?? 0) < read) this.#known = { versions, at: this.#clock.now(), read };
        return versions;
      }
      if (attempt === MAX_ATTEMPTS) throw busy(this.name);
    }
  }

  /**
   * Begins a rebuild, of a version of its own or of the live one. Versions that are left over are removed first.
   *
   * @throws KitError REBUILD_RUNNING
   */
  async begin(where: 'beside' | 'in place', leaseMs: number): Promise<VersionLease> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await this.versions();
      if (found.work !== null) {
        throw new KitError('REBUILD_RUNNING', `${this.name} is being rebuilt; cancel that, or wait for it`, {
          details: { projection: this.name },
        });
      }
      await this.dropRetired(true);
      const before = await this.versions();
      const version = where === 'beside' ? before.last + 1 : before.live;
      if (version > MAX_VERSION) {
        throw new KitError('REBUILD_FAILED', `${this.name}: all ${MAX_VERSION} version numbers are used up`);
      }
      const until = this.#clock.now() + leaseMs;
      const work = { token: randomUUID(), version, switching: where === 'in place', until };
      const versions = { ...before, last: Math.max(before.last, version), work };
      if (before.work === null && (await this.#options.pointer.compareAndSet(before, versions))) {
        return new VersionLease(work, leaseMs, {
          name: this.name,
          pointer: this.#options.pointer,
          clock: this.#clock,
          live: await this.#store(before.live),
          target: await this.#store(version),
          refresh: () => this.versions(),
        });
      }
    }
    throw busy(this.name);
  }

  /** Removes versions whose time has come; all that are retired where nobody waits for their readers any more. */
  async dropRetired(all = false): Promise<void> {
    const now = this.#clock.now();
    const due = (await this.versions()).retired.filter(({ dropAt }) => all || dropAt <= now);
    for (const { version } of due) {
      const store = await this.#stores.get(version);
      this.#stores.delete(version);
      await store?.close();
      await this.#options.drop(version);
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const versions = await this.versions();
        const retired = versions.retired.filter((one) => one.version !== version);
        if (await this.#options.pointer.compareAndSet(versions, { ...versions, retired })) break;
      }
    }
  }

  async claim(partition: TopicPartition): Promise<PartitionClaim> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.versions();
      if (before.work?.switching) break;
      const claim = await (await this.#store(before.live)).claim(partition);
      const after = await this.versions();
      if (after.live !== before.live || after.work?.switching) continue;
      this.#claimed.set(placeKey(partition), before.live);
      return { ...claim, epoch: outerEpoch(before.live, claim.epoch) };
    }
    throw busy(this.name);
  }

  async apply(batch: ApplyBatch): Promise<ApplyOutcome> {
    const version = versionOf(batch.epoch);
    const known = this.#known?.versions.live ?? version;
    if (known !== version) return { status: 'mismatch', next: null };
    const store = await this.#store(version);
    const outcome = await store.apply({ ...batch, epoch: innerEpoch(batch.epoch) });
    if (outcome.status !== 'fenced') return outcome;
    const versions = await this.versions();
    if (versions.live !== version) return { status: 'mismatch', next: null };
    if (versions.work?.switching) throw busy(this.name);
    return { status: 'fenced', epoch: outerEpoch(version, outcome.epoch) };
  }

  async get(key: string): Promise<Document | null> {
    return (await this.#live()).get(key);
  }

  async getMany(keys: readonly string[]): Promise<(Document | null)[]> {
    return (await this.#live()).getMany(keys);
  }

  async keys(query: KeyQuery): Promise<KeyPage> {
    return (await this.#live()).keys(query);
  }

  async parked(partition: TopicPartition): Promise<readonly ParkedRecord[]> {
    return (await this.#live()).parked(partition);
  }

  /** Epoch 0 where a version is live that whoever claimed the partition here has not claimed yet. */
  async partitions(): Promise<PartitionState[]> {
    const store = await this.#live();
    const { live } = this.#known!.versions;
    return (await store.partitions()).map((state) => {
      const claimed = this.#claimed.get(placeKey(state)) ?? live;
      return { ...state, epoch: claimed === live ? outerEpoch(live, state.epoch) : 0 };
    });
  }

  /** Of one version to the end, which may be swapped out meanwhile. */
  async *documents(): AsyncGenerator<readonly [string, Document]> {
    yield* (await this.#live()).documents();
  }

  async clear(): Promise<void> {
    const { live, work } = await this.versions();
    if (work?.switching) throw busy(this.name);
    await (await this.#store(live)).clear();
  }

  async close(): Promise<void> {
    const stores = await Promise.allSettled(this.#stores.values());
    for (const store of stores) if (store.status === 'fulfilled') await store.value.close();
  }

  async #live(): Promise<ProjectionStore> {
    const known = this.#known;
    if (known !== null && this.#clock.now() - known.at < this.#maxAgeMs) return this.#store(known.versions.live);
    // those who ask at the same time share an answer
    this.#reading ??= this.versions().finally(() => {
      this.#reading = null;
    });
    return this.#store((await this.#reading).live);
  }

  #store(version: number): Promise<ProjectionStore> {
    let store = this.#stores.get(version);
    if (store === undefined) {
      store = this.#options.open(version);
      this.#stores.set(version, store);
      store.catch(() => this.#stores.delete(version));
    }
    return store;
  }
}

function outerEpoch(version: number, epoch: number): number {
  return epoch === 0 ? 0 : (version - 1) * EPOCHS_PER_VERSION + epoch;
}

function innerEpoch(epoch: number): number {
  return epoch % EPOCHS_PER_VERSION;
}

function versionOf(epoch: number): number {
  return Math.floor(epoch / EPOCHS_PER_VERSION) + 1;
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function busy(name: string): KitError {
  return new KitError('STORE_UNAVAILABLE', `${name} is being swapped for a rebuilt version`, { retriable: true });
}
