import { isKitError, type KitError } from '../../src/kit/errors.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';

export interface NetworkFaults {
  /** Longest usual way of a message in one direction. */
  readonly latencyMs: number;
  /** Share of messages that take up to `slowMs`. */
  readonly slow: number;
  readonly slowMs: number;
  /** Share of requests that never arrive. */
  readonly loseRequest: number;
  /** Share of answers that never arrive: what was asked for has been done. */
  readonly loseAnswer: number;
}

/** Answers a request, now or later; only the first answer counts. */
export type Answer<T> = (error: unknown, value?: T) => void;

export interface Call<T> {
  /** For the trace. */
  readonly what: string;
  readonly from: SimProcess;
  readonly timeoutMs: number;
  /** What the caller is told when no answer came in time. */
  readonly timedOut: () => KitError;
  /** Runs at the server, at the moment when the request arrives. What it throws is the answer. */
  readonly serve: (answer: Answer<T>) => void;
  readonly signal?: AbortSignal;
}

/** Requests and answers between processes and servers: late, overtaken by others, or lost. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: (text: string) => void;
  #faults: NetworkFaults;
  /** Appends that may still reach the broker, long given up perhaps. */
  appendsUnderWay = 0;

  constructor(scheduler: Scheduler, random: Random, faults: NetworkFaults, trace: (text: string) => void) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#faults = faults;
    this.#trace = trace;
  }

  heal(): void {
    this.#faults = { latencyMs: this.#faults.latencyMs, slow: 0, slowMs: 0, loseRequest: 0, loseAnswer: 0 };
  }

  call<T>({ what, from, timeoutMs, timedOut, serve, signal }: Call<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = this.#scheduler.after(timeoutMs, from, () => reject(timedOut()));
    if (signal !== undefined) {
      signal.addEventListener('abort', () => {
        timer.cancelled = true;
        reject(timedOut());
      });
    }
    let answered = false;
    const answer: Answer<T> = (error, value) => {
      if (answered) return;
      answered = true;
      if (error != null) this.#trace(`${from.name} ${what} refused: ${codeOf(error)}`);
      if (this.#random.chance(this.#faults.loseAnswer)) {
        this.#trace(`${from.name} ${what} answer lost`);
        return;
      }
      this.#scheduler.after(this.#delayMs(), from, () => {
        timer.cancelled = true;
        if (error == null) resolve(value as T);
        else reject(error);
      });
    };
    if (this.#random.chance(this.#faults.loseRequest)) {
      this.#trace(`${from.name} ${what} lost`);
      return promise;
    }
    const isAppend = what.startsWith('append');
    if (isAppend) this.appendsUnderWay++;
    this.#scheduler.after(this.#delayMs(), null, () => {
      if (isAppend) this.appendsUnderWay--;
      // A process that died had perhaps not sent it yet.
      if (!from.alive && this.#random.chance(0.5)) return;
      this.#trace(`${from.name} ${what}`);
      try {
        serve(answer);
      } catch (error) {
        answer(error);
      }
    });
    return promise;
  }

  #delayMs(): number {
    const { latencyMs, slow, slowMs } = this.#faults;
    return this.#random.next() * (this.#random.chance(slow) ? slowMs : latencyMs);
  }
}

function codeOf(error: unknown): string {
  return isKitError(error) ? error.code : String(error);
}
