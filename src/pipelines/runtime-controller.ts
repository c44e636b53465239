import { isKitError, KitError } from '../kit/errors.ts';
import type { DemoOptions, DemoReport, DemoRunner } from './demo.ts';

export type RuntimeState = 'SYSTEM_STOPPED' | 'DEMO_RUNNING' | 'SYSTEM_ERROR';

/** The system's state machine: SYSTEM_STOPPED -> DEMO_RUNNING -> SYSTEM_STOPPED, or SYSTEM_ERROR with its cause. */
export class RuntimeController {
  readonly #run: DemoRunner;
  readonly #random: () => number;
  #state: RuntimeState = 'SYSTEM_STOPPED';
  #cause: string | null = null;
  #report: DemoReport | null = null;
  #ended: Promise<DemoReport> | null = null;
  readonly #stopping = new AbortController();

  /** @param random in [0, 1); chooses the seed of a demo that was given none */
  constructor(run: DemoRunner, random: () => number = Math.random) {
    this.#run = run;
    this.#random = random;
  }

  get state(): RuntimeState {
    return this.#state;
  }

  /** Why the state is SYSTEM_ERROR. */
  get cause(): string | null {
    return this.#cause;
  }

  /** The demo under way or the last one; null before the first. */
  demo(): DemoReport | null {
    return this.#report;
  }

  /** Starts a demo and returns its first report at once. @throws KitError DEMO_RUNNING, SHUTTING_DOWN */
  startDemo(wanted: DemoOptions = {}): DemoReport {
    if (this.#stopping.signal.aborted) throw new KitError('SHUTTING_DOWN', 'The system is shutting down');
    if (this.#state === 'DEMO_RUNNING')
      throw new KitError('DEMO_RUNNING', 'A demo is running already; /api/status shows how far it is', {
        retriable: true,
      });
    this.#state = 'DEMO_RUNNING';
    this.#cause = null;
    const options = { ...wanted, seed: wanted.seed ?? Math.floor(this.#random() * 2 ** 32) };
    const first = pendingReport(options);
    this.#report = first;
    const run = this.#run(options, this.#stopping.signal, (report) => {
      this.#report = report;
    });
    this.#ended = run.then(
      (report) => this.#settle(report),
      (error: unknown) => this.#settle(failed(this.#report, error)),
    );
    return first;
  }

  /** The demo under way or the last one, ended; its `state` says how. @throws KitError NO_DEMO */
  async demoEnded(): Promise<DemoReport> {
    if (this.#ended === null) throw new KitError('NO_DEMO', 'No demo has been started');
    return this.#ended;
  }

  /** Something outside the demo broke for good, e.g. a consumer that cannot go on. */
  fail(cause: string): void {
    this.#state = 'SYSTEM_ERROR';
    this.#cause = cause;
  }

  /** Ends a demo under way and takes no further one. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #settle(report: DemoReport): DemoReport {
    this.#report = report;
    if (report.error !== undefined && !this.#stopping.signal.aborted) this.fail(report.error);
    else if (this.#state === 'DEMO_RUNNING') this.#state = 'SYSTEM_STOPPED';
    return report;
  }
}

function pendingReport({ seed = 0, events = 0 }: DemoOptions = {}): DemoReport {
  return {
    state: 'RUNNING',
    seed,
    requested: events,
    published: 0,
    in_log: 0,
    applied: 0,
    parked: 0,
    dead_lettered: 0,
    duplicates: 0,
    balanced: null,
    reconciliation: null,
  };
}

function failed(report: DemoReport | null, error: unknown): DemoReport {
  const message = isKitError(error) ? `${error.message} (${error.code})` : String(error);
  return { ...(report ?? pendingReport()), state: 'FAILED', balanced: false, error: message };
}
