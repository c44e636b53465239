/** When cleaning happens: in rounds, at intervals as long as there is something that may need it, and when it is asked for. */
import { KitError } from '../../errors.ts';
import { paced } from './clean-partition.ts';
import type { CleanerLink } from './cleaner-link.ts';
import type { CleaningWork } from './cleaning-plan.ts';
import type { WriteChange } from './cleaning-task.ts';

export interface LogCleanerOptions {
  /** Between two rounds, as long as there may be something to do. */
  readonly intervalMs: number;
  /** Whether there is nothing to do now, nor later by itself. */
  isIdle(): boolean;
  /** What there may be to do now. */
  work(): CleaningWork;
  done(work: CleaningWork): void;
  /** Removes some of a dropped topic's rows; answers 0 once there are none. */
  sweep(topicId: number): Promise<number>;
  write: WriteChange;
  /** Called at the first need. */
  link(write: WriteChange): CleanerLink;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  #link: CleanerLink | null = null;
  #rounds: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #dueAt = Number.POSITIVE_INFINITY;
  #failure: unknown = null;
  #closed = false;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
  }

  /** What the last round failed of; null if it went well. The next round tries again. */
  get failure(): unknown {
    return this.#failure;
  }

  /** A round so much later, or at the interval, if there is anything to do. */
  wake(delayMs = this.#options.intervalMs): void {
    if (this.#closed || this.#options.isIdle()) return;
    const waitMs = Math.min(delayMs, this.#options.intervalMs);
    if (this.#dueAt <= performance.now() + waitMs) return;
    clearTimeout(this.#timer ?? undefined);
    this.#dueAt = performance.now() + waitMs;
    const begin = (): void => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.cleanNow().catch(() => {});
    };
    this.#timer = setTimeout(begin, waitMs).unref();
  }

  /** One whole round, after one that is under way. */
  cleanNow(): Promise<void> {
    const round = this.#rounds.then(() => this.#round());
    this.#rounds = round.catch(() => {});
    return round;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer ?? undefined);
    await this.#link?.close();
    await this.#rounds;
  }

  async #round(): Promise<void> {
    this.#assertOpen();
    try {
      await this.#clean(this.#options.work());
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      await this.#link?.close();
      this.#link = null;
      throw error;
    } finally {
      this.wake();
    }
  }

  async #clean(work: CleaningWork): Promise<void> {
    for (const topicId of work.dropped) {
      while ((await paced(() => this.#options.sweep(topicId))) > 0) this.#assertOpen();
    }
    if (work.tasks.length > 0) {
      this.#link ??= this.#options.link((command) => {
        this.#assertOpen();
        return this.#options.write(command);
      });
      await this.#link.clean(work.tasks);
    }
    this.#options.done(work);
  }

  #assertOpen(): void {
    if (this.#closed) throw new KitError('LOG_CLOSED', 'The log has been closed.');
  }
}
