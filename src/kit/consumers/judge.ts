import { KitError } from '../errors.ts';
import type { LogRecord } from '../log/event-log.ts';
import type { ErrorHandler } from '../retry/error-handler.ts';
import type { Decoded, EventCodec } from '../schemas/event-codec.ts';
import { orAborted } from '../waiting.ts';
import type { Handler } from './consumer-options.ts';
import type { Verdict } from './verdict.ts';
import { dead, retry } from './verdict.ts';

/** `systemic`: neither the event's fault nor a verdict on it. */
export type Judgement = Verdict | { readonly kind: 'systemic'; readonly error: unknown };

/** Calls codec and handler, and turns whatever they throw into a judgement. Nothing it calls can break the caller. */
export class Judge<E> {
  readonly #codec: Pick<EventCodec<E>, 'decode'>;
  readonly #handler: Handler<E>;
  readonly #errors: ErrorHandler;
  readonly #signal: AbortSignal;

  constructor(
    codec: Pick<EventCodec<E>, 'decode'>,
    handler: Handler<E>,
    errors: ErrorHandler,
    /** Aborted: calls under way are no longer waited for; they count as not made. */
    signal: AbortSignal,
  ) {
    this.#codec = codec;
    this.#handler = handler;
    this.#errors = errors;
    this.#signal = signal;
  }

  decode(record: LogRecord): Decoded<E> {
    try {
      return this.#codec.decode(record);
    } catch (error) {
      return { ok: false, code: codeOf(error, 'DECODE_FAILED'), reason: messageOf(error) };
    }
  }

  /** A promise only where the handler gives one. */
  judge(event: E, record: LogRecord, attempt: number): Judgement | Promise<Judgement> {
    try {
      const verdict = this.#handler(event, { record, attempt, signal: this.#signal });
      return 'then' in verdict ? this.#wait(verdict) : verdict;
    } catch (error) {
      return this.#judgeError(error);
    }
  }

  async #wait(verdict: Promise<Verdict>): Promise<Judgement> {
    try {
      return await orAborted(verdict, this.#signal);
    } catch (error) {
      return this.#signal.aborted ? { kind: 'systemic', error } : this.#judgeError(error);
    }
  }

  #judgeError(error: unknown): Judgement {
    const fault = this.#errors.classify(error);
    if (fault === 'systemic') return { kind: 'systemic', error };
    if (fault === 'transient') return retry(messageOf(error));
    return dead(messageOf(error), codeOf(error, 'HANDLER_FAILED'));
  }
}

function codeOf(error: unknown, otherwise: string): string {
  return error instanceof KitError ? error.code : otherwise;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
