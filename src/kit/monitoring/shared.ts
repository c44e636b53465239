export interface Shared<T> {
  (): Promise<T>;
  /** What is known is out of date: who asks from now on shares a call that begins when the one under way, if any, has ended. */
  forget(): void;
}

/** One call at a time; its result serves everybody who asks until it is `maxAgeMs` old. A failure is not kept. */
export function shared<T>(call: () => Promise<T>, maxAgeMs: number, now: () => number): Shared<T> {
  let current: Promise<T> | null = null;
  let next: Promise<T> | null = null;
  let expiresAt = 0;
  let isUnderWay = false;
  let isForgotten = false;

  const begin = (): Promise<T> => {
    next = null;
    isForgotten = false;
    isUnderWay = true;
    current = call();
    const end = (at: number): void => {
      isUnderWay = false;
      expiresAt = at;
    };
    current.then(
      () => end(now() + maxAgeMs),
      () => end(0),
    );
    return current;
  };
  const ask = (): Promise<T> => {
    if (isUnderWay && isForgotten) next ??= current!.then(begin, begin);
    if (next !== null) return next;
    if (isUnderWay || (current !== null && !isForgotten && now() < expiresAt)) return current!;
    return begin();
  };
  const forget = (): void => {
    isForgotten = true;
  };
  return Object.assign(ask, { forget });
}
