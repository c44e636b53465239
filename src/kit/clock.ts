/** Time, injected so that tests and simulations decide how it passes. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once after `delayMs`; the answer cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * The wall clock of the process's start, and from then on as the monotonic clock runs: for deadlines, delays and windows,
 * which must not become an hour longer or shorter because someone sets the machine's clock. For times that are shown
 * or stored as when something happened, `systemClock`.
 */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => Math.floor(performance.timeOrigin + performance.now()),
};
