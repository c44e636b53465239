/** Asks one address again and again, and keeps what it said. */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../history/history.ts';

export interface Sighting {
  readonly askedMs: number;
  readonly tookMs: number;
  /** Null where no answer came. */
  readonly status: number | null;
  readonly text: string;
}

const EVERY_MS = 200;
const TIMEOUT_MS = 20_000;

export class HttpWatch {
  readonly sightings: Sighting[] = [];
  readonly #url: string;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  get last(): Sighting | null {
    return this.sightings.at(-1) ?? null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const askedMs = monotonicMs();
      const { status, text } = await this.#ask(signal);
      if (signal.aborted) return;
      this.sightings.push({ askedMs, tookMs: monotonicMs() - askedMs, status, text });
      await delay(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #ask(signal: AbortSignal): Promise<Pick<Sighting, 'status' | 'text'>> {
    try {
      const response = await fetch(this.#url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      return { status: null, text: String(error) };
    }
  }
}
