import type { Clock } from '../../src/kit/clock.ts';
import type { Owner, Scheduler, Task } from './scheduler.ts';

/** Where virtual time begins: 2026-05-27. */
export const EPOCH_MS = Date.UTC(2026, 4, 27);

/**
 * One life of one operating system process. Killed: nothing of it ever runs again, its promises stay open. Paused: its timers and
 * the answers that reach it wait, while what it has sent before goes on.
 */
export class SimProcess implements Owner {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** The wall clock: it can be set. */
  readonly clock: Clock;
  /** Never jumps, as the monotonic clock by which the producer measures. */
  readonly steadyClock: Clock;
  skewMs = 0;
  #alive = true;
  #paused = false;
  #held: Task[] = [];

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.scheduler = scheduler;
    const after = (delayMs: number, callback: () => void) => {
      const task = scheduler.after(delayMs, this, callback);
      return () => {
        task.cancelled = true;
      };
    };
    this.clock = { now: () => EPOCH_MS + Math.floor(scheduler.nowMs) + this.skewMs, after };
    this.steadyClock = { now: () => EPOCH_MS + scheduler.nowMs, after };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get running(): boolean {
    return this.#alive && !this.#paused;
  }

  hold(task: Task): void {
    if (this.#alive) this.#held.push(task);
  }

  kill(): void {
    this.#alive = false;
    this.#held = [];
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const task of this.#held.splice(0)) if (!task.cancelled) this.scheduler.add(task);
  }
}
