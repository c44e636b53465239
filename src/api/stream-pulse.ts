/** A subscription to the platform's pulse. A client that is too slow misses samples; none waits for it. */

import type { PulseSource } from '../pipelines/pulse/pulse.ts';
import type { Mark, PulseSample } from '../pipelines/pulse/pulse-report.ts';
import type { Outlet } from './stream-subscription.ts';

/** Those of samples that were missed; older ones are forgotten. */
const MAX_MARKS = 300;

export class PulseSubscription {
  /** It reads no topic by itself. */
  readonly topics: readonly string[] = [];
  readonly #id: string;
  readonly #pulse: PulseSource;
  readonly #outlet: Outlet;
  readonly #first: PulseSample;
  #marks: Mark[] = [];
  /** By the first frame; some of them are news to the next sample. */
  #told: ReadonlySet<Mark> = new Set();
  #unwatch: (() => void) | null = null;

  static async open(id: string, pulse: PulseSource, outlet: Outlet): Promise<PulseSubscription> {
    return new PulseSubscription(id, pulse, outlet, await pulse.sample());
  }

  private constructor(id: string, pulse: PulseSource, outlet: Outlet, first: PulseSample) {
    this.#id = id;
    this.#pulse = pulse;
    this.#outlet = outlet;
    this.#first = first;
  }

  start(): void {
    const { history } = this.#pulse;
    const marks = this.#pulse.marks.since();
    this.#told = new Set(marks);
    this.#outlet.send(pulseFrame(this.#id, { sample: this.#first, history, marks }), 0);
    this.#unwatch = this.#pulse.watch((sample, news) => this.#take(sample, news));
  }

  tick(): void {}

  behindMs(): number {
    return 0;
  }

  grow(): void {}

  stop(): void {
    this.#unwatch?.();
  }

  #take(sample: PulseSample, news: readonly Mark[]): void {
    const marks = [...this.#marks, ...news.filter((mark) => !this.#told.has(mark))];
    this.#told = new Set();
    if (this.#outlet.congested) {
      this.#marks = marks.slice(-MAX_MARKS);
      return;
    }
    this.#marks = [];
    this.#outlet.send(pulseFrame(this.#id, { sample, marks }), 0);
  }
}

interface PulseContent {
  readonly sample: PulseSample;
  readonly history?: PulseSource['history'];
  readonly marks: readonly Mark[];
}

function pulseFrame(subscription: string, { sample, history, marks }: PulseContent): string {
  const past = history === undefined ? '' : `,"history":[${history.map(jsonOf).join(',')}]`;
  return `{"type":"pulse","subscription":${JSON.stringify(subscription)}${past},"sample":${jsonOf(sample)},"marks":${JSON.stringify(marks)}}`;
}

/** Written once for all who watch. */
const written = new WeakMap<object, string>();

function jsonOf(value: object): string {
  let json = written.get(value);
  if (json === undefined) {
    json = JSON.stringify(value);
    written.set(value, json);
  }
  return json;
}
