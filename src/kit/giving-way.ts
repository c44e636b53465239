/** Long computations that others need not wait for: written once, as generators that say where they may be interrupted. */
import { setImmediate as othersTurn } from 'node:timers/promises';

/** Until its next `yield` a computation takes a millisecond at most. */
export type Interruptible<T> = Generator<void, T>;

/** What others wait for at most, that millisecond left out. */
const HOLD_MS = 3;

/** Requests, heartbeats and timers get a turn after every few milliseconds. @throws the signal's reason */
export async function givingWay<T>(work: Interruptible<T>, signal?: AbortSignal): Promise<T> {
  for (let since = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (performance.now() - since < HOLD_MS) continue;
    await othersTurn();
    signal?.throwIfAborted();
    since = performance.now();
  }
}

/** Without giving way. */
export function atOnce<T>(work: Interruptible<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
