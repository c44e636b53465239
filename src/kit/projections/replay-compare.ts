import { compareBytes } from './deltas.ts';
import type { Document } from './projection-store.ts';

export interface DocumentDifference {
  readonly key: string;
  /** Null where there is no such document. */
  readonly live: Document | null;
  readonly rebuilt: Document | null;
}

export interface DocumentComparison {
  /** Keys that either side knows. */
  readonly compared: number;
  readonly differing: number;
  /** The first of them. */
  readonly differences: readonly DocumentDifference[];
}

type Documents = AsyncIterable<readonly [key: string, document: Document]>;

/** To the byte, in one pass over both, as stores give them: ascending by key, fields sorted. */
export async function compareDocuments(
  live: Documents,
  rebuilt: Documents,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal },
): Promise<DocumentComparison> {
  const differences: DocumentDifference[] = [];
  let compared = 0;
  let differing = 0;
  const [left, right] = [live[Symbol.asyncIterator](), rebuilt[Symbol.asyncIterator]()];
  try {
    let [a, b] = await Promise.all([left.next(), right.next()]);
    while (a.done !== true || b.done !== true) {
      signal?.throwIfAborted();
      const order = a.done === true ? 1 : b.done === true ? -1 : compareBytes(a.value[0], b.value[0]);
      const [key, was] = order <= 0 ? a.value : [b.value[0], null];
      const is = order >= 0 ? b.value[1] : null;
      compared++;
      if (JSON.stringify(was) !== JSON.stringify(is)) {
        differing++;
        if (differences.length < limit) differences.push({ key, live: was, rebuilt: is });
      }
      if (order <= 0) a = await left.next();
      if (order >= 0) b = await right.next();
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
  return { compared, differing, differences };
}
