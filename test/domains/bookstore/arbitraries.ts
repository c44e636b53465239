import fc from 'fast-check';
import { CATALOG } from '../../../src/domains/bookstore/catalog.ts';
import type { OrderPlaced } from '../../../src/domains/bookstore/events.ts';
import type { PlaceOrder } from '../../../src/domains/bookstore/order.ts';
import { isId } from '../../../src/kit/schemas/formats.ts';

export const id = fc
  .oneof(fc.stringMatching(/^[a-z]-[0-9]{1,3}$/), fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }))
  .filter(isId);

const isbn = fc.constantFrom(...CATALOG.keys());

const PLAIN = { noNullPrototype: true } as const;

const orderLine = fc.record(
  {
    isbn,
    // a title may look like a number
    title: fc.oneof(fc.constant('1984'), fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })),
    quantity: fc.integer({ min: 1, max: 1_000 }),
    price_cents: fc.integer({ min: 0, max: 100_000_000 }),
  },
  PLAIN,
);

const timestamp = fc
  .date({ min: new Date('1970-01-02T00:00:00Z'), max: new Date('2099-01-01T00:00:00Z'), noInvalidDate: true })
  .chain((date) => fc.constantFrom(date.toISOString(), `${date.toISOString().slice(0, 19)}+05:30`));

export const orderPlaced: fc.Arbitrary<OrderPlaced> = fc.record(
  {
    event_id: id,
    event_type: fc.constant('order_placed' as const),
    order_id: id,
    timestamp,
    data: fc.record({ customer_id: id, lines: fc.array(orderLine, { minLength: 1, maxLength: 6 }) }, PLAIN),
  },
  PLAIN,
);

export const placeOrder: fc.Arbitrary<PlaceOrder> = fc.record({
  order_id: id,
  customer_id: id,
  lines: fc.array(fc.record({ isbn, quantity: fc.integer({ min: 1, max: 1_000 }) }), { minLength: 1, maxLength: 6 }),
});
