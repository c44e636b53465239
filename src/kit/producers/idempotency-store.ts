/**
 * Remembers what was answered to a request, so that its repetition gets the same answer. The table behind it is
 * SQLite or Redis; what is under way and what is not written yet is here, in memory and bounded.
 *
 * Answers are written in groups, up to `flushDelayMs` after they were given. One that is lost on the way (a crash, a
 * table that is down for long) only means that a repetition is published again, with the same event id, and
 * counted once all the same by the projection. The same holds for two processes that get one key at the same time.
 */
import { type Clock, steadyClock } from '../clock.ts';
import { KitError } from '../errors.ts';

export interface IdempotencyRequest {
  readonly key: string;
  /** Any digest of the request's body: equal bodies, equal text. */
  readonly bodyHash: string;
}

export type IdempotencyOutcome =
  /** Go on, and call `complete` or `abandon`. */
  | { readonly status: 'new' }
  | { readonly status: 'known'; readonly answer: string }
  /** The key was used with another body. */
  | { readonly status: 'conflict' }
  /** Under way in this process. `wait` gives its answer, or null when it was abandoned: then begin again. */
  | { readonly status: 'pending'; readonly wait: Promise<string | null> };

export interface IdempotencyRecord extends IdempotencyRequest {
  readonly answer: string;
  /** When it was given, milliseconds since the epoch. */
  readonly at: number;
}

export interface IdempotencyBounds {
  /** Default 24 h. */
  readonly windowMs: number;
  /** Answers kept at most; the oldest go first. Default 1,000,000. */
  readonly maxEntries: number;
}

export const DEFAULT_BOUNDS: IdempotencyBounds = { windowMs: 24 * 60 * 60 * 1000, maxEntries: 1_000_000 };

/** Where answers rest. An adapter keeps the bounds at each `store`, with work in proportion to its records. */
export interface IdempotencyTable {
  /** One record per key or null, in the keys' order; those whose time is over are left out. @throws KitError STORE_UNAVAILABLE */
  lookup(keys: readonly string[], now: number): Promise<(IdempotencyRecord | null)[]>;
  /** The same key again replaces. @throws KitError STORE_UNAVAILABLE */
  store(records: readonly IdempotencyRecord[], now: number): Promise<void>;
  close(): Promise<void>;
}

export interface IdempotencyOptions {
  readonly clock?: Clock;
  /** Default 50. */
  readonly flushDelayMs?: number;
  /** Requests under way plus answers not written yet. Default 100,000. */
  readonly maxHeld?: number;
}

/** Written at once, without waiting for the delay. */
const FLUSH_RECORDS = 1_000;

/** A key under way, or answered and not written yet. */
class Held {
  readonly bodyHash: string;
  readonly wait: Promise<string | null>;
  record: IdempotencyRecord | null = null;
  #settle!: (answer: string | null) => void;

  constructor(bodyHash: string) {
    this.bodyHash = bodyHash;
    this.wait = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  settle(record: IdempotencyRecord | null): void {
    this.record = record;
    this.#settle(record?.answer ?? null);
  }
}

export class IdempotencyStore {
  readonly #table: IdempotencyTable;
  readonly #clock: Clock;
  readonly #flushDelayMs: number;
  readonly #maxHeld: number;
  readonly #held = new Map<string, Held>();
  /** Keys that are being looked up: who comes meanwhile waits for what is found. */
  readonly #lookups = new Map<string, Promise<unknown>>();
  #unwritten: IdempotencyRecord[] = [];
  #cancelFlush: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  #lost = 0;
  #closed = false;

  constructor(table: IdempotencyTable, options: IdempotencyOptions = {}) {
    this.#table = table;
    this.#clock = options.clock ?? steadyClock;
    this.#flushDelayMs = options.flushDelayMs ?? 50;
    this.#maxHeld = options.maxHeld ?? 100_000;
  }

  /** Answers that were given and could not be written. */
  get lost(): number {
    return this.#lost;
  }

  async begin(key: string, bodyHash: string): Promise<IdempotencyOutcome> {
    const [outcome] = await this.beginMany([{ key, bodyHash }]);
    return outcome!;
  }

  /**
   * In the requests' order. A key that is there twice is `new` first, then `pending`: wait for it after completing it.
   *
   * @throws KitError STORE_UNAVAILABLE (retriable), IDEMPOTENCY_OVERLOADED (retriable), IDEMPOTENCY_CLOSED; none has begun then
   */
  async beginMany(requests: readonly IdempotencyRequest[]): Promise<IdempotencyOutcome[]> {
    for (;;) {
      const others = new Set(requests.flatMap(({ key }) => this.#lookups.get(key) ?? []));
      if (others.size === 0) break;
      await Promise.allSettled(others);
    }
    if (this.#closed) throw new KitError('IDEMPOTENCY_CLOSED', 'the idempotency store is closed');
    // What is held now may be written and let go while the others are looked up.
    const before = new Map(requests.map(({ key }) => [key, this.#held.get(key)]));
    const unheld = [...before].flatMap(([key, held]) => (held === undefined ? key : []));
    if (this.#held.size + this.#lookups.size + unheld.length > this.#maxHeld) {
      throw new KitError('IDEMPOTENCY_OVERLOADED', `more than ${this.#maxHeld} requests are held`, { retriable: true });
    }
    const stored = await this.#lookup(unheld);
    return requests.map((request) => {
      const held = this.#held.get(request.key) ?? before.get(request.key);
      return this.#decide(request, held, held?.record ?? stored.get(request.key));
    });
  }

  /** What was answered to a key, or null; begins nothing. @throws KitError STORE_UNAVAILABLE (retriable) */
  async answerTo(key: string): Promise<string | null> {
    const held = this.#held.get(key)?.record;
    if (held != null || this.#closed) return held?.answer ?? null;
    const [record] = await this.#table.lookup([key], this.#clock.now());
    return record?.answer ?? null;
  }

  async #lookup(keys: readonly string[]): Promise<Map<string, IdempotencyRecord>> {
    const found = new Map<string, IdempotencyRecord>();
    if (keys.length === 0) return found;
    const lookup = this.#table.lookup(keys, this.#clock.now());
    for (const key of keys) this.#lookups.set(key, lookup);
    try {
      for (const record of await lookup) if (record !== null) found.set(record.key, record);
    } finally {
      for (const key of keys) this.#lookups.delete(key);
    }
    return found;
  }

  #decide(
    { key, bodyHash }: IdempotencyRequest,
    held: Held | undefined,
    known: IdempotencyRecord | undefined,
  ): IdempotencyOutcome {
    if (known !== undefined) {
      return known.bodyHash === bodyHash ? { status: 'known', answer: known.answer } : { status: 'conflict' };
    }
    if (held === undefined) {
      this.#held.set(key, new Held(bodyHash));
      return { status: 'new' };
    }
    return held.bodyHash === bodyHash ? { status: 'pending', wait: held.wait } : { status: 'conflict' };
  }

  /** @throws KitError IDEMPOTENCY_NOT_BEGUN */
  complete(key: string, answer: string): void {
    this.completeMany([{ key, answer }]);
  }

  /** @throws KitError IDEMPOTENCY_NOT_BEGUN */
  completeMany(answers: readonly { readonly key: string; readonly answer: string }[]): void {
    const at = this.#clock.now();
    for (const { key, answer } of answers) {
      const held = this.#underWay(key);
      const record = { key, bodyHash: held.bodyHash, answer, at };
      held.settle(record);
      this.#unwritten.push(record);
    }
    if (this.#unwritten.length >= FLUSH_RECORDS) void this.flush();
    else this.#scheduleFlush();
  }

  /** The request failed: whoever waits is told to begin again. @throws KitError IDEMPOTENCY_NOT_BEGUN */
  abandon(key: string): void {
    const held = this.#underWay(key);
    this.#held.delete(key);
    held.settle(null);
  }

  /** @throws KitError IDEMPOTENCY_NOT_BEGUN */
  abandonMany(keys: readonly string[]): void {
    for (const key of keys) this.abandon(key);
  }

  #underWay(key: string): Held {
    const held = this.#held.get(key);
    if (held === undefined || held.record !== null) {
      throw new KitError('IDEMPOTENCY_NOT_BEGUN', `no request with key ${key} is under way`);
    }
    return held;
  }

  #scheduleFlush(): void {
    if (this.#closed) return;
    this.#cancelFlush ??= this.#clock.after(this.#flushDelayMs, () => void this.flush());
  }

  /** Writes what was answered so far. Never rejects: while the table is down, answers stay here for the next attempt. */
  async flush(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    await this.#flushing;
    if (this.#flushing !== undefined || this.#unwritten.length === 0) return this.#flushing;
    this.#flushing = this.#write(this.#unwritten);
    this.#unwritten = [];
    await this.#flushing;
    this.#flushing = undefined;
    if (this.#unwritten.length > 0) this.#scheduleFlush();
  }

  async #write(records: readonly IdempotencyRecord[]): Promise<void> {
    try {
      await this.#table.store(records, this.#clock.now());
      this.#release(records);
    } catch {
      const waiting = [...records, ...this.#unwritten];
      // Half of the room stays free for requests.
      const surplus = waiting.splice(0, Math.max(0, waiting.length - this.#maxHeld / 2));
      this.#unwritten = waiting;
      this.#lost += surplus.length;
      this.#release(surplus);
    }
  }

  #release(records: readonly IdempotencyRecord[]): void {
    for (const record of records) {
      if (this.#held.get(record.key)?.record === record) this.#held.delete(record.key);
    }
  }

  /** Writes what is left (once) and closes the table; requests under way are abandoned. Repeated calls are harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const held of this.#held.values()) if (held.record === null) held.settle(null);
    await this.flush();
    this.#lost += this.#unwritten.length;
    this.#cancelFlush?.();
    await this.#table.close();
  }
}
