import type { Delta, Document } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { Book } from './catalog.ts';
import type { OrderPlaced } from './events.ts';

/** Copies ordered, by ISBN; `last_ordered` is the latest event time, RFC 3339 UTC with milliseconds. */
export function project({ timestamp, data }: OrderPlaced): Delta[] {
  return data.lines.map(({ isbn, quantity }) => ({
    key: isbn,
    add: { ordered: quantity },
    max: { last_ordered: utcText(timestamp) },
  }));
}

export interface Stock {
  readonly on_hand: number;
  /** Ordered and not there: to be reprinted. */
  readonly short: number;
  readonly out_of_stock: boolean;
}

/**
 * The stock of a book by its projection; null where nobody has ordered it. It is worked out when it is read: orders of one book
 * lie in several partitions, so none of them can be told to have got the last copy.
 */
export function stockOf({ opening_stock }: Book, document: Document | null): Stock {
  const left = opening_stock - Number(document?.ordered ?? 0);
  return { on_hand: Math.max(0, left), short: Math.max(0, -left), out_of_stock: left <= 0 };
}
