/**
 * Owners that move a versioned projection, rebuilds of it, and crashes of both, in an order that a seed decides: every call to
 * the log, a store or the pointer takes two turns, one on its way there and one on its way back.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../src/kit/clock.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import type { LogRecord, PartitionOffset, ReadRequest, TopicPartition } from '../../../src/kit/log/event-log.ts';
import type { Delta, Effect, ParkedRecord, ProjectionStore } from '../../../src/kit/projections/projection-store.ts';
import type { ReplaySource } from '../../../src/kit/projections/replay.ts';
import { type RebuildOptions, type RebuildOutcome, rebuild } from '../../../src/kit/projections/replay-swap.ts';
import { VersionedStore } from '../../../src/kit/projections/versioned-store.ts';
import { FIRST_VERSIONS, type VersionPointer, type Versions } from '../../../src/kit/projections/versions.ts';
import { Random } from '../../simulation/random.ts';
import { MemoryStore, MemoryStoreData } from '../../support/memory-store.ts';

export const TOPIC = 'facts';
const PARTITIONS = 2;
const LEASE_MS = 400;
const TURN_MS = 2;

/** `recovers` and `dies` are parked first. */
type Plan = 'plain' | 'poison' | 'recovers' | 'dies';

interface Fact {
  readonly id: string;
  readonly key: string;
  readonly plan: Plan;
}

/** Whoever belongs to a process that has crashed never hears of anything again. */
export interface Process {
  crashed: boolean;
  readonly rebuilds: boolean;
}

export class World implements Clock {
  readonly random: Random;
  readonly facts: Fact[][];
  /** Of each partition, how many records are in the log so far. */
  readonly ends: number[];
  readonly versions = new Map<number, MemoryStoreData>();
  readonly letters = new Set<string>();
  readonly outcomes: (RebuildOutcome | string)[] = [];
  pointer: Versions = FIRST_VERSIONS;
  crashes = 0;
  #nowMs = 1_000;
  #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  #waiting: (() => void)[] = [];
  /** Partitions of the live version that a switch under way has fenced: nobody may move them. */
  #fenced = new Set<string>();
  #over = false;

  constructor(seed: number, records: number) {
    this.random = new Random(seed);
    this.facts = Array.from({ length: PARTITIONS }, (_, partition) => this.#factsOf(partition, records));
    this.ends = this.facts.map((facts) => Math.floor(facts.length / 3));
  }

  #factsOf(partition: number, records: number): Fact[] {
    const facts: Fact[] = [];
    for (let n = 0; n < records; n++) {
      const again = facts[this.random.between(0, Math.max(0, n - 1))];
      if (again?.plan === 'plain' && this.random.chance(0.1)) {
        facts.push(again);
        continue;
      }
      const draw = this.random.next();
      const plan = draw < 0.06 ? 'poison' : draw < 0.14 ? 'recovers' : draw < 0.2 ? 'dies' : 'plain';
      facts.push({ id: `${partition}-${n}`, key: `k${this.random.between(0, 5)}`, plan });
    }
    return facts;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets calls go on, one at a time, until this holds. */
  async until(holds: () => boolean, maxTurns: number): Promise<boolean> {
    for (let turns = 0; turns < maxTurns; turns++) {
      if (holds()) return true;
      await nextTurn();
      this.#nowMs += TURN_MS;
      for (const timer of [...this.#timers]) {
        if (timer.atMs > this.#nowMs) continue;
        this.#timers.delete(timer);
        timer.callback();
      }
      const index = this.random.between(0, this.#waiting.length - 1);
      const [go] = this.#waiting.splice(index, 1);
      go?.();
      for (const [partition, facts] of this.facts.entries())
        if (this.random.chance(0.05)) this.ends[partition] = Math.min(facts.length, this.ends[partition]! + 2);
    }
    return false;
  }

  end(): void {
    this.#over = true;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A call over the network; a crash may come before it is made or before its answer is there. */
  async #call<T>(process: Process, operation: () => Promise<T> | T): Promise<T> {
    const gone = new Promise<never>(() => {});
    await this.#turn();
    if (process.crashed && this.random.chance(0.5)) return gone;
    const result = await operation();
    await this.#turn();
    return process.crashed ? gone : result;
  }

  #remote(process: Process, store: ProjectionStore, version: number): ProjectionStore {
    const call = <T>(operation: () => Promise<T>): Promise<T> => this.#call(process, operation);
    const placeOf = ({ partition }: TopicPartition) => `${version}/${partition}`;
    return {
      name: store.name,
      claim: (partition) =>
        call(() => {
          if (process.rebuilds && version === this.pointer.live && this.pointer.work?.switching)
            this.#fenced.add(placeOf(partition));
          return store.claim(partition);
        }),
      apply: (batch) =>
        call(async () => {
          const outcome = await store.apply(batch);
          const late = outcome.status === 'ok' && !process.rebuilds && this.#fenced.has(placeOf(batch));
          if (late) throw new Error(`moved after the fence: ${placeOf(batch)}`);
          return outcome;
        }),
      get: (key) => call(() => store.get(key)),
      getMany: (keys) => call(() => store.getMany(keys)),
      partitions: () => call(() => store.partitions()),
      keys: (query) => call(() => store.keys(query)),
      parked: (partition) => call(() => store.parked(partition)),
      documents: () => store.documents(),
      clear: () => call(() => store.clear()),
      close: async () => {},
    };
  }

  #pointerOf(process: Process): VersionPointer {
    return {
      read: () => this.#call(process, () => this.pointer),
      compareAndSet: (expected, next) =>
        this.#call(process, () => {
          if (JSON.stringify(expected) !== JSON.stringify(this.pointer)) return false;
          this.pointer = next;
          if (!next.work?.switching) this.#fenced.clear();
          return true;
        }),
    };
  }

  data(version: number): MemoryStoreData {
    let data = this.versions.get(version);
    if (data === undefined) {
      data = new MemoryStoreData();
      this.versions.set(version, data);
    }
    return data;
  }

  store(process: Process): VersionedStore {
    return new VersionedStore({
      name: 'facts',
      pointer: this.#pointerOf(process),
      open: async (version) => this.#remote(process, new MemoryStore('facts', this.data(version)), version),
      drop: (version) => this.#call(process, () => void this.versions.delete(version)),
      clock: this,
      maxAgeMs: 50,
    });
  }

  #source(process: Process): ReplaySource<Fact> {
    return {
      log: {
        read: ({ topic, partition, offset, maxRecords = 5 }: ReadRequest) =>
          this.#call(process, () => {
            const highWatermark = this.ends[partition]!;
            const until = Math.min(highWatermark, offset + maxRecords);
            const records: LogRecord[] = [];
            for (let at = offset; at < until; at++) records.push(this.#record({ topic, partition, offset: at }));
            return { topic, partition, records, highWatermark };
          }),
        listOffsets: (queries) =>
          this.#call(process, () =>
            queries.map(({ at, partition }) => (at === 'earliest' ? 0 : this.ends[partition]!)),
          ),
      },
      codec: {
        decode: ({ partition, offset }) => {
          const event = this.facts[partition]![offset]!;
          return event.plan === 'poison'
            ? { ok: false, code: 'POISON', reason: '' }
            : { ok: true, event, id: event.id };
        },
      },
      project,
    };
  }

  #record(place: PartitionOffset): LogRecord {
    return { ...place, key: null, value: null, headers: [], timestamp: 10 + place.offset };
  }

  /** Moves one partition along until its process crashes. Others may do the same at the same time. */
  async own(process: Process, partition: number): Promise<void> {
    const store = this.store(process);
    while (!this.#over && !process.crashed) {
      try {
        await this.#ownership(process, store, { topic: TOPIC, partition });
      } catch (error) {
        if (!isKitError(error, 'STORE_UNAVAILABLE')) throw error;
      }
      await this.#turn();
    }
  }

  async #ownership(process: Process, store: VersionedStore, place: TopicPartition): Promise<void> {
    const claim = await store.claim(place);
    let next = claim.next;
    const waiting = new Map(claim.parked.map((record) => [record.offset, record]));
    while (!this.#over && !process.crashed) {
      const step = this.#step(place, next, waiting);
      if (step === null) {
        // the audit of a consumer that has nothing to do
        const state = (await store.partitions()).find(({ partition }) => partition === place.partition);
        if (state?.epoch !== claim.epoch || state.next !== next) return;
        continue;
      }
      for (const offset of step.letters)
        await this.#call(process, () => this.letters.add(`${place.partition}/${offset}`));
      const { effects, park, unpark, dead } = step;
      const batch = { ...place, epoch: claim.epoch, expect: next, next: step.next, effects, park, unpark, dead };
      const outcome = await store.apply({ ...batch, now: 10_000 });
      if (outcome.status !== 'ok') return;
      next = step.next;
      for (const offset of unpark) waiting.delete(offset);
      for (const record of park) waiting.set(record.offset, record);
    }
  }

  /** The next few records, or one of those that wait; null where there is nothing to do. */
  #step({ partition }: TopicPartition, next: number | null, waiting: ReadonlyMap<number, ParkedRecord>) {
    const facts = this.facts[partition]!;
    const effects: Effect[] = [];
    const park: ParkedRecord[] = [];
    const letters: number[] = [];
    const effectOf = (offset: number): Effect => {
      const { id } = facts[offset]!;
      return { offset, eventId: id, deltas: project(facts[offset]!) };
    };
    const from = next ?? 0;
    const until = Math.min(this.ends[partition]!, from + this.random.between(1, 4));
    const heads = [...waiting.values()];
    if (heads.length > 0 && (from === until || this.random.chance(0.3))) {
      const head = heads[this.random.between(0, heads.length - 1)]!;
      const { offset, attempts } = head;
      if (attempts < 3)
        return { effects, park: [{ ...head, attempts: attempts + 1 }], letters, unpark: [], dead: 0, next: from };
      const dies = facts[offset]!.plan === 'dies';
      if (dies) letters.push(offset);
      else effects.push(effectOf(offset));
      return { effects, park, letters, unpark: [offset], dead: dies ? 1 : 0, next: from };
    }
    if (from === until) return null;
    for (let offset = from; offset < until; offset++) {
      const { plan } = facts[offset]!;
      if (plan === 'plain') effects.push(effectOf(offset));
      else if (plan === 'poison') letters.push(offset);
      else park.push({ offset, key: 'k', attempts: 1, dueAt: 1, firstFailedAt: 1, reason: 'again' });
    }
    return { effects, park, letters, unpark: [], dead: letters.length, next: until };
  }

  async rebuild(
    process: Process,
    how: Pick<RebuildOptions<Fact>, 'where' | 'compare' | 'swap' | 'keep'>,
  ): Promise<void> {
    let known = new Set<string>();
    const limits = { leaseMs: LEASE_MS, graceMs: 200, switchBehind: 6, claims: 2, maxRounds: 1_000 };
    try {
      const outcome = await rebuild({
        ...how,
        store: this.store(process),
        source: this.#source(process),
        setAside: {
          refresh: () =>
            this.#call(process, () => {
              known = new Set(this.letters);
            }),
          has: ({ partition, offset }) => known.has(`${partition}/${offset}`),
        },
        signal: new AbortController().signal,
        clock: this,
        limits: { ...limits, replay: { chunkRecords: 3, chunkSpanMs: 1_000, concurrency: 2 } },
      });
      this.outcomes.push(outcome);
    } catch (error) {
      if (!isKitError(error) || (!error.retriable && error.code !== 'REBUILD_RUNNING')) throw error;
      this.outcomes.push(error.code);
    }
  }

  /** What the live version should come to: every readable fact once, without those that died. */
  expected(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const facts of this.facts) {
      for (const { key, plan } of new Set(facts)) {
        if (plan === 'plain' || plan === 'recovers') counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return counts;
  }

  found(): Map<string, number> {
    const documents = this.data(this.pointer.live).documents;
    return new Map([...documents].map(([key, fields]) => [key, fields.get('count') as number]));
  }

  /** Whether the live version has everything, with nothing waiting. */
  settled(): boolean {
    const states = [...this.data(this.pointer.live).partitions.values()];
    return (
      this.pointer.work === null &&
      states.length === PARTITIONS &&
      states.every(({ partition, next, parked }) => next === this.facts[partition]!.length && parked.size === 0)
    );
  }
}

function project({ key, id }: Fact): Delta[] {
  return [{ key, add: { count: 1 }, max: { last: `id ${id}` } }];
}
