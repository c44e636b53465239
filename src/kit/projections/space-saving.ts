/**
 * The heaviest items of a stream in bounded space: Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and
 * Top-k Elements in Data Streams", ICDT 2005 (Space-Saving).
 *
 * Of `capacity` items that are counted, after counts that sum up to `total`:
 * - count - error <= true count <= count, for every item that is counted;
 * - error <= total / capacity, so every item with a greater true count is among them.
 */
import { compareBytes, conflict, type Fields } from './deltas.ts';
import type { Document } from './projection-store.ts';

export interface TopItem {
  readonly item: string;
  /** At least the true count. */
  readonly count: number;
  /** By how much `count` may be too high: what was counted for others before. */
  readonly error: number;
}

/** Items are kept as texts `<count> <error>` under `top/<item>`: apart from the field `period`, and never read as a counter. */
const PREFIX = 'top/';

export function topField(item: string): string {
  return PREFIX + item;
}

/** Heaviest first; of equal counts the lesser name. Fields of another kind, such as `period`, are left out. */
export function topOf(document: Document | null): TopItem[] {
  if (document === null) return [];
  const items = [...counted(Object.entries(document))];
  return items.sort((a, b) => b.count - a.count || compareBytes(a.item, b.item));
}

/**
 * Counts into the fields of a document, one after the other.
 * @throws KitError INVALID_DELTA when a count leaves the integers that are exact
 */
export function countInto(
  fields: Fields,
  key: string,
  capacity: number,
  counts: readonly (readonly [item: string, by: number])[],
): void {
  const items = new Map<string, Counter>();
  for (const { item, count, error } of counted(fields)) items.set(item, { item, count, error, seen: count });
  let heap: Counter[] | undefined;
  for (const [item, by] of counts) {
    let counter = items.get(item);
    if (counter === undefined) {
      counter = { item, count: 0, error: 0, seen: 0 };
      if (items.size >= capacity) {
        heap ??= heapOf(items.values());
        const least = leastOf(heap);
        items.delete(least.item);
        fields.delete(PREFIX + least.item);
        counter.count = counter.error = counter.seen = least.count;
        heap[0] = counter;
      }
      items.set(item, counter);
    }
    counter.count += by;
    if (!Number.isSafeInteger(counter.count)) throw conflict(key, PREFIX + item);
    fields.set(PREFIX + item, `${counter.count} ${counter.error}`);
  }
}

interface Counter {
  readonly item: string;
  count: number;
  error: number;
  /** The count by which it has its place in the heap, which may be behind: counts only grow. */
  seen: number;
}

function* counted(fields: Iterable<readonly [string, number | string]>): Generator<TopItem> {
  for (const [name, value] of fields) {
    if (typeof value !== 'string' || !name.startsWith(PREFIX)) continue;
    const [count, error] = value.split(' ');
    yield { item: name.slice(PREFIX.length), count: Number(count), error: Number(error) };
  }
}

/** A binary heap with the least count, of equals the least name, at the root. */
function heapOf(counters: Iterable<Counter>): Counter[] {
  const heap = [...counters];
  for (const counter of heap) counter.seen = counter.count;
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, at);
  return heap;
}

function leastOf(heap: Counter[]): Counter {
  for (let root = heap[0]!; root.seen !== root.count; root = heap[0]!) {
    root.seen = root.count;
    siftDown(heap, 0);
  }
  return heap[0]!;
}

function siftDown(heap: Counter[], from: number): void {
  const moving = heap[from]!;
  let at = from;
  for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && isLess(heap[child + 1]!, heap[child]!)) child++;
    if (!isLess(heap[child]!, moving)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moving;
}

function isLess(a: Counter, b: Counter): boolean {
  return a.seen === b.seen ? compareBytes(a.item, b.item) < 0 : a.seen < b.seen;
}
