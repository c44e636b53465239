/** Waits with an end of their own. Work that is waited for no longer goes on; what becomes of it is nobody's business here. */
import type { Clock } from './clock.ts';

/** Resolves or rejects with the work, and resolves after `limitMs` at the latest. */
export async function noLongerThan(limitMs: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(limitMs, late.resolve);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}

/** The work's outcome. @throws the signal's reason when that comes first */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Resolves after `delayMs`, or as soon as the signal comes. */
export async function pauseMs(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  signal.addEventListener('abort', wake);
  const cancel = clock.after(delayMs, wake);
  await promise;
  cancel();
  signal.removeEventListener('abort', wake);
}
