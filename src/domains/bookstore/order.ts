/** One order's life: `decide` says what a command leads to, `evolve` what an event makes of the state. Both are pure. */
import type { Catalog } from './catalog.ts';
import { EVENT_TYPE, MAX_LINES, MAX_QUANTITY, type OrderPlaced } from './events.ts';

export interface PlaceOrder {
  readonly order_id: string;
  readonly customer_id: string;
  readonly lines: readonly { readonly isbn: string; readonly quantity: number }[];
}

export type Order = { readonly status: 'none' } | { readonly status: 'placed'; readonly data: OrderPlaced['data'] };

export const NO_ORDER: Order = { status: 'none' };

/** What is published; whoever publishes it stamps it with an id and a time. */
export type OrderDraft = Pick<OrderPlaced, 'event_type' | 'order_id' | 'data'>;

export type Decision =
  | { readonly ok: true; readonly events: readonly OrderDraft[] }
  | { readonly ok: false; readonly reason: string };

/** Titles and prices are the catalog's at this moment. A command that is repeated leads to nothing new. */
export function decide(command: PlaceOrder, order: Order, catalog: Catalog): Decision {
  const { order_id, customer_id } = command;
  if (order.status === 'placed') {
    return isSameOrder(command, order.data)
      ? { ok: true, events: [] }
      : refused(`order ${order_id} is placed already, with other content`);
  }
  if (command.lines.length === 0) return refused('an order has at least one line');
  if (command.lines.length > MAX_LINES) return refused(`an order has at most ${MAX_LINES} lines`);
  const lines: OrderPlaced['data']['lines'] = [];
  for (const { isbn, quantity } of command.lines) {
    const book = catalog.get(isbn);
    if (book === undefined) return refused(`${isbn} is not in the catalog`);
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > MAX_QUANTITY) {
      return refused(`${isbn}: the quantity is a whole number from 1 to ${MAX_QUANTITY}, not ${quantity}`);
    }
    lines.push({ isbn, title: book.title, quantity, price_cents: book.price_cents });
  }
  return { ok: true, events: [{ event_type: EVENT_TYPE, order_id, data: { customer_id, lines } }] };
}

/** An order is placed once: a second event changes nothing. */
export function evolve(order: Order, { data }: Pick<OrderPlaced, 'data'>): Order {
  return order.status === 'placed' ? order : { status: 'placed', data };
}

function isSameOrder({ customer_id, lines }: PlaceOrder, placed: OrderPlaced['data']): boolean {
  return (
    customer_id === placed.customer_id &&
    lines.length === placed.lines.length &&
    lines.every(({ isbn, quantity }, n) => isbn === placed.lines[n]!.isbn && quantity === placed.lines[n]!.quantity)
  );
}

function refused(reason: string): Decision {
  return { ok: false, reason };
}
