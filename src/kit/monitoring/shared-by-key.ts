import { type Shared, shared } from './shared.ts';

export interface SharedByKeyOptions {
  readonly maxAgeMs: number;
  /** Of those asked for last, so many are kept. Default 100. */
  readonly maxKeys?: number;
  readonly now?: () => number;
}

/** `shared`, for a question that is asked about many things. */
export function sharedByKey<T>(
  call: (key: string) => Promise<T>,
  { maxAgeMs, maxKeys = 100, now = () => performance.now() }: SharedByKeyOptions,
): (key: string) => Promise<T> {
  const known = new Map<string, Shared<T>>();
  return (key) => {
    const ask = known.get(key) ?? shared(() => call(key), maxAgeMs, now);
    known.delete(key);
    known.set(key, ask);
    if (known.size > maxKeys) known.delete(known.keys().next().value!);
    return ask();
  };
}
