/** One call at a time; its result serves everybody who asks until it is `maxAgeMs` old. A failure is not kept. */
export function shared<T>(call: () => Promise<T>, maxAgeMs: number, now: () => number): () => Promise<T> {
  let current: Promise<T> | null = null;
  let expiresAt = 0;
  return () => {
    if (current !== null && now() < expiresAt) return current;
    expiresAt = Number.POSITIVE_INFINITY;
    current = call();
    current.then(
      () => {
        expiresAt = now() + maxAgeMs;
      },
      () => {
        expiresAt = 0;
      },
    );
    return current;
  };
}
