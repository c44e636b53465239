/** What one transaction of the store will hold: the fates of a run of records, decided one after the other. */
import type { DeadLetter } from '../dlq/dead-letter.ts';
import type { LogRecord } from '../log/event-log.ts';
import type { Effect, ParkedRecord } from '../projections/projection-store.ts';
import type { Parking } from '../retry/parking.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import { Published, type Tally } from './consumer-metrics.ts';
import type { Note } from './consumer-trace.ts';
import { keyToText, textToKey } from './record-key.ts';
import type { Verdict } from './verdict.ts';

export class Chunk {
  readonly effects: Effect[] = [];
  readonly dead: DeadLetter[] = [];
  readonly unpark: number[] = [];
  readonly park: ParkedRecord[] = [];
  /** For the trace: events that do not go the plain way. */
  readonly notes: Note[] = [];
  readonly #group: string;
  readonly #policy: RetryPolicy;
  readonly #parking: Parking;
  readonly #deduplicate: boolean;
  readonly #followedFrom: number;
  readonly #startedAt = performance.now();
  readonly #published = new Published();
  #failed = 0;
  #retries = 0;

  /**
   * @param parking changed along with the chunk; the caller rebuilds it when the transaction fails
   * @param followedFrom records before this offset were there already: how old they are says nothing about the consumer
   */
  constructor(group: string, policy: RetryPolicy, parking: Parking, deduplicate: boolean, followedFrom: number) {
    this.#group = group;
    this.#deduplicate = deduplicate;
    this.#followedFrom = followedFrom;
    this.#policy = policy;
    this.#parking = parking;
  }

  get size(): number {
    return this.effects.length + this.dead.length + this.park.length;
  }

  /**
   * @param startedAt when the handler was called; `now` is when it had answered
   * @param head the parked record that this is; null for one that was never parked
   */
  judged(
    record: LogRecord,
    eventId: string,
    verdict: Verdict,
    startedAt: number,
    now: number,
    head: ParkedRecord | null = null,
  ): void {
    const attempts = (head?.attempts ?? 0) + 1;
    if (attempts > 1) this.#retries++;
    if (verdict.kind === 'ack') {
      const id = this.#deduplicate ? eventId : null;
      this.effects.push({ offset: record.offset, eventId: id, deltas: verdict.deltas });
      if (record.offset >= this.#followedFrom) this.#published.add(record.timestamp);
      if (head === null) return;
      this.notes.push({ kind: 'applied', record, eventId, attempt: attempts, startedAt, at: now });
      this.#release(head);
    } else if (verdict.kind === 'dead') {
      this.bury(record, verdict.code, verdict.reason, now, head, { eventId, startedAt });
    } else {
      this.#failed++;
      const { offset } = record;
      // The last failure is stored before the dead letter is written, so that a crash in between cannot try it once more.
      const delayMs =
        attempts >= this.#policy.attempts ? 1 : Math.max(1, verdict.afterMs ?? 0, this.#policy.delayMs(attempts));
      const dueAt = now + delayMs;
      const key = head?.key ?? keyToText(record.key);
      const parked = { offset, key, attempts, dueAt, firstFailedAt: firstFailure(head, now), reason: verdict.reason };
      this.park.push(parked);
      const { reason } = verdict;
      this.notes.push({ kind: 'failed', record, eventId, attempt: attempts, startedAt, at: now, reason, dueAt });
      if (head === null) this.#parking.park(parked);
      else this.#parking.postpone(parked);
    }
  }

  /** Delivered, and to be delivered no more. */
  bury(
    record: LogRecord,
    code: string,
    reason: string,
    now: number,
    head: ParkedRecord | null = null,
    judged: Judged = UNREAD,
  ): void {
    this.#failed++;
    const attempt = (head?.attempts ?? 0) + 1;
    this.notes.push({ kind: 'dead', record, ...judged, attempt, at: now, code, reason });
    this.#letter(record, code, reason, attempt, firstFailure(head, now), head);
  }

  /** Whether this head has had its last attempt. */
  isExhausted(head: ParkedRecord): boolean {
    return head.attempts >= this.#policy.attempts;
  }

  /** Not delivered again: its last attempt is stored already. */
  giveUp(record: LogRecord, head: ParkedRecord, now: number): void {
    const { attempts: attempt, reason } = head;
    this.notes.push({ kind: 'dead', record, ...UNREAD, attempt, at: now, code: 'RETRIES_EXHAUSTED', reason });
    this.#letter(record, 'RETRIES_EXHAUSTED', reason, attempt, head.firstFailedAt, head);
  }

  /** The log no longer has this parked record: all that is left of it is its place and its key. */
  lost(head: ParkedRecord, place: { readonly topic: string; readonly partition: number }, now: number): void {
    const remains = { ...place, offset: head.offset, key: textToKey(head.key), value: null, headers: [], timestamp: 0 };
    this.bury(remains, 'PARKED_RECORD_GONE', 'the log no longer has this parked record', now, head);
  }

  /** Not delivered: it waits behind its key's head. */
  wait(record: LogRecord, eventId: string, key: string, now: number): void {
    const reason = 'waits for an earlier event of its key';
    const waiting = { offset: record.offset, key, attempts: 0, dueAt: now, firstFailedAt: now, reason };
    this.park.push(waiting);
    this.notes.push({ kind: 'parked', record, eventId, behind: this.#parking.headOf(key), key, at: now });
    this.#parking.park(waiting);
  }

  tally(): Tally {
    return {
      processed: this.effects.length,
      failed: this.#failed,
      dead: this.dead.length,
      retries: this.#retries,
      elapsedMs: performance.now() - this.#startedAt,
      published: this.#published,
    };
  }

  #letter(
    record: LogRecord,
    code: string,
    reason: string,
    deliveryCount: number,
    firstFailedAt: number,
    head: ParkedRecord | null,
  ): void {
    this.dead.push({ record, group: this.#group, code, reason, deliveryCount, firstFailedAt });
    if (head !== null) this.#release(head);
  }

  #release(head: ParkedRecord): void {
    this.#parking.release(head);
    this.unpark.push(head.offset);
  }
}

/** Of an event that could be read: its id, and when the handler was called. */
interface Judged {
  readonly eventId: string | null;
  readonly startedAt: number | null;
}

const UNREAD: Judged = { eventId: null, startedAt: null };

/** One that only waited has not failed before. */
function firstFailure(head: ParkedRecord | null, now: number): number {
  return head === null || head.attempts === 0 ? now : head.firstFailedAt;
}
