/**
 * What keeps a repeated request from becoming a second event: the answer to an Idempotency-Key, and to an event_id that
 * the client chose, is kept and given again. An event that has neither is simply new.
 */
import { createHash } from 'node:crypto';
import type { SocialEvent } from '../domains/social/events.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { IdempotencyStore } from '../kit/producers/idempotency-store.ts';
import { isId } from '../kit/schemas/formats.ts';
import { canonicalJson } from './json-body.ts';

export interface Place {
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export type Outcome =
  | { readonly ok: true; readonly repeated: boolean; readonly place: Place }
  | { readonly ok: false; readonly error: KitError };

/** An event on its way to its outcome. */
interface Slot {
  readonly input: unknown;
  /** Any of them makes a repeat. */
  readonly keys: readonly string[];
  /** Of what the client sent; the same key with another one is a conflict. */
  readonly bodyHash: string;
  outcome: Outcome | null;
}

/** Below the 5 s within which a client has its answer when the log has no quorum. */
const ACK_TIMEOUT_MS = 4_000;
/** A second one for those that waited for a request that failed. */
const MAX_ROUNDS = 2;

export class PublishOnce {
  readonly #publisher: Pick<EventPublisher<SocialEvent>, 'publishMany'>;
  readonly #store: IdempotencyStore;

  constructor(publisher: Pick<EventPublisher<SocialEvent>, 'publishMany'>, store: IdempotencyStore) {
    this.#publisher = publisher;
    this.#store = store;
  }

  /** @param idempotencyKey of the request, or null */
  async publish(input: unknown, idempotencyKey: string | null): Promise<Outcome> {
    const [outcome] = await this.#publish([slotOf(input, idempotencyKey)]);
    return outcome!;
  }

  /** One outcome per input, in their order; an input that is a KitError already is its own. */
  publishMany(inputs: readonly unknown[]): Promise<Outcome[]> {
    return this.#publish(inputs.map((input) => slotOf(input, null)));
  }

  async #publish(slots: readonly Slot[]): Promise<Outcome[]> {
    const deadline = performance.now() + ACK_TIMEOUT_MS;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const open = slots.filter(({ outcome }) => outcome === null);
      const ackTimeoutMs = Math.round(deadline - performance.now());
      if (open.length === 0 || ackTimeoutMs < 1) break;
      const waits = await this.#begin(open);
      await this.#send(
        open.filter((slot) => slot.outcome === null && !waits.has(slot)),
        ackTimeoutMs,
      );
      // Whoever is waited for began before us, and has its answer by its own deadline.
      await Promise.all([...waits].map(async ([slot, wait]) => join(slot, await wait)));
    }
    return slots.map(
      ({ outcome }) =>
        outcome ?? failure('IDEMPOTENCY_PENDING', 'The first request with this key failed; repeat this one.', true),
    );
  }

  /** Gives kept answers and conflicts to their slots. @returns what some wait for; the keys of the rest are theirs now */
  async #begin(slots: readonly Slot[]): Promise<Map<Slot, Promise<string | null>>> {
    const waits = new Map<Slot, Promise<string | null>>();
    const requests = slots.flatMap(({ keys, bodyHash }) => keys.map((key) => ({ key, bodyHash })));
    if (requests.length === 0) return waits;
    const outcomes = await this.#store.beginMany(requests);
    let next = 0;
    for (const slot of slots) {
      const own = outcomes.slice(next, next + slot.keys.length);
      next += slot.keys.length;
      const pending = own.find(({ status }) => status === 'pending');
      const known = own.find(({ status }) => status === 'known');
      if (own.some(({ status }) => status === 'conflict')) {
        slot.outcome = failure(
          'IDEMPOTENCY_CONFLICT',
          'This key, or event_id, came before with another content.',
          false,
        );
      } else if (known?.status === 'known') join(slot, known.answer);
      else if (pending?.status === 'pending') waits.set(slot, pending.wait);
      else continue;
      // Nothing is held by one who does not send: two that hold a key each and wait for the other's would never end.
      for (const [index, key] of slot.keys.entries()) if (own[index]!.status === 'new') this.#store.abandon(key);
    }
    return waits;
  }

  async #send(slots: readonly Slot[], ackTimeoutMs: number): Promise<void> {
    if (slots.length === 0) return;
    try {
      const inputs = slots.map(({ input }) => input);
      const outcomes = await this.#publisher.publishMany(inputs, { ackTimeoutMs, whenFull: 'reject' });
      for (const [index, outcome] of outcomes.entries()) {
        slots[index]!.outcome = outcome.ok ? { ok: true, repeated: false, place: placeOf(outcome) } : outcome;
      }
    } finally {
      for (const { keys, outcome } of slots) {
        if (outcome?.ok) {
          const answer = JSON.stringify(outcome.place);
          this.#store.completeMany(keys.map((key) => ({ key, answer })));
        } else for (const key of keys) this.#store.abandon(key);
      }
    }
  }
}

function join(slot: Slot, answer: string | null): void {
  if (answer !== null) slot.outcome = { ok: true, repeated: true, place: JSON.parse(answer) as Place };
}

function slotOf(input: unknown, idempotencyKey: string | null): Slot {
  if (isKitError(input)) return { input, keys: [], bodyHash: '', outcome: { ok: false, error: input } };
  const eventId = givenId(input);
  const keys: string[] = [];
  if (idempotencyKey !== null) keys.push(`key:${idempotencyKey}`);
  if (eventId !== undefined) keys.push(`event:${eventId}`);
  const bodyHash = keys.length === 0 ? '' : sha256(canonicalJson(input)).toString('base64url');
  return { input: named(input, eventId, idempotencyKey), keys, bodyHash, outcome: null };
}

function givenId(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const { event_id, id, specversion } = input as Record<string, unknown>;
  const given = specversion === undefined ? event_id : id;
  return typeof given === 'string' && isId(given) ? given : undefined;
}

/** The key names the event too: should its answer be lost in a crash, the event that a repeat makes counts as the same. */
function named(input: unknown, eventId: string | undefined, idempotencyKey: string | null): unknown {
  const isPlainEvent =
    typeof input === 'object' &&
    input !== null &&
    !Array.isArray(input) &&
    !('event_id' in input) &&
    !('specversion' in input);
  if (idempotencyKey === null || eventId !== undefined || !isPlainEvent) return input;
  return { ...input, event_id: uuidV8(sha256(`idempotency-key:${idempotencyKey}`)) };
}

/** RFC 9562, section 5.8: 122 bits of one's own. */
function uuidV8(bytes: Buffer): string {
  const own = Buffer.from(bytes.subarray(0, 16));
  own[6] = 0x80 | (own[6]! & 0x0f);
  own[8] = 0x80 | (own[8]! & 0x3f);
  return own.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function placeOf({ event_id, topic, partition, offset }: Place): Place {
  return { event_id, topic, partition, offset };
}

function failure(code: string, message: string, retriable: boolean): Outcome {
  return { ok: false, error: new KitError(code, message, { retriable }) };
}
