/**
 * What the log knows of idempotent producers, per partition: the epoch and the last five batches (KIP-98). The rules are
 * those of Kafka's `ProducerAppendInfo` and `ProducerStateEntry`: a batch that was stored before is told from the next one
 * and from one that comes out of its order.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BatchHeader } from './batch-header.ts';
import type { Refusal } from './writer-commands.ts';

type Stored = readonly [firstSequence: number, lastSequence: number, baseOffset: number];

interface ProducerState {
  readonly topicId: number;
  readonly partition: number;
  readonly producerId: bigint;
  epoch: number;
  /** Oldest first; of this epoch only. */
  batches: Stored[];
  usedAt: number;
}

/** A batch that comes next, one that is here already, or one that must not be stored. */
export type Verdict = { readonly state: ProducerState } | { readonly storedAt: number } | { readonly refusal: Refusal };

const REMEMBERED_BATCHES = 5;
const MAX_SEQUENCE = 2 ** 31 - 1;
const NO_EPOCH = -1;
/** Kafka's `producer.id.expiration.ms`. */
const EXPIRATION_MS = 24 * 60 * 60 * 1_000;
const SWEEP_INTERVAL_MS = 60 * 60 * 1_000;
/** In memory; the others are looked up. */
const MAX_STATES = 10_000;

export class ProducerStates {
  readonly #select: StatementSync;
  readonly #save: StatementSync;
  readonly #expire: StatementSync;
  /** Least recently used first. */
  readonly #states = new Map<string, ProducerState>();
  readonly #changed = new Set<ProducerState>();
  #sweptAt = 0;

  constructor(database: DatabaseSync) {
    const key = 'topic_id = ? AND partition = ? AND producer_id = ?';
    this.#select = database.prepare(`SELECT epoch, batches, used_at FROM producers WHERE ${key}`);
    this.#save = database.prepare('INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?, ?, ?)');
    this.#expire = database.prepare('DELETE FROM producers WHERE used_at <= ?');
  }

  judge(topicId: number, partition: number, header: BatchHeader, now: number): Verdict {
    const state = this.#state(topicId, partition, header.producerId, now);
    const { producerId, producerEpoch: epoch, baseSequence } = header;
    const who = `Producer ${producerId}`;
    if (epoch === state.epoch) {
      const lastSequence = lastSequenceOf(header);
      const same = state.batches.find(([first, last]) => first === baseSequence && last === lastSequence);
      if (same !== undefined) return { storedAt: same[2] };
      const expected = next(state.batches.at(-1)![1]);
      if (baseSequence === expected) return { state };
      return outOfOrder(`${who} sent sequence ${baseSequence} where ${expected} comes next.`);
    }
    if (epoch < state.epoch) {
      const message = `${who} sent epoch ${epoch} after ${state.epoch}: another one goes on with its id.`;
      return { refusal: { code: 'INVALID_PRODUCER_EPOCH', message } };
    }
    // One that is not known, or no longer, may begin anywhere.
    if (baseSequence === 0 || state.epoch === NO_EPOCH) return { state };
    return outOfOrder(`${who} began epoch ${epoch} with sequence ${baseSequence}, not 0.`);
  }

  /** The batch goes into the transaction that is under way. */
  add(state: ProducerState, header: BatchHeader, baseOffset: number, now: number): void {
    if (header.producerEpoch !== state.epoch) state.batches = [];
    state.epoch = header.producerEpoch;
    state.batches.push([header.baseSequence, lastSequenceOf(header), baseOffset]);
    if (state.batches.length > REMEMBERED_BATCHES) state.batches.shift();
    state.usedAt = now;
    this.#changed.add(state);
  }

  /** Before the transaction ends. */
  save(now: number): void {
    for (const { topicId, partition, producerId, epoch, batches, usedAt } of this.#changed) {
      this.#save.run(topicId, partition, producerId, epoch, JSON.stringify(batches), usedAt);
    }
    if (this.#changed.size === 0) return;
    this.#changed.clear();
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#expire.run(now - EXPIRATION_MS);
    this.#sweptAt = now;
  }

  /** After a transaction that failed: what is in the file counts. */
  forget(): void {
    this.#states.clear();
    this.#changed.clear();
  }

  #state(topicId: number, partition: number, producerId: bigint, now: number): ProducerState {
    const key = `${topicId}:${partition}:${producerId}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      const row = this.#select.get(topicId, partition, producerId);
      state = {
        topicId,
        partition,
        producerId,
        epoch: Number(row?.epoch ?? NO_EPOCH),
        batches: JSON.parse(String(row?.batches ?? '[]')),
        usedAt: Number(row?.used_at ?? now),
      };
    }
    if (now - state.usedAt >= EXPIRATION_MS) {
      state.epoch = NO_EPOCH;
      state.batches = [];
    }
    this.#states.delete(key);
    this.#states.set(key, state);
    if (this.#states.size > MAX_STATES) this.#forgetOldest();
    return state;
  }

  #forgetOldest(): void {
    for (const [key, state] of this.#states) {
      if (this.#changed.has(state)) continue;
      this.#states.delete(key);
      return;
    }
  }
}

function lastSequenceOf({ baseSequence, lastOffsetDelta }: BatchHeader): number {
  const last = baseSequence + lastOffsetDelta;
  return last > MAX_SEQUENCE ? last - MAX_SEQUENCE - 1 : last;
}

function next(sequence: number): number {
  return sequence === MAX_SEQUENCE ? 0 : sequence + 1;
}

function outOfOrder(message: string): Verdict {
  return { refusal: { code: 'OUT_OF_ORDER_SEQUENCE', message } };
}
