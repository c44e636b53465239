/** The three reactions, through a real projection store, against what a reader would count by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as analytics from '../../../src/domains/bookstore/analytics.ts';
import { CATALOG } from '../../../src/domains/bookstore/catalog.ts';
import type { OrderPlaced } from '../../../src/domains/bookstore/events.ts';
import * as inventory from '../../../src/domains/bookstore/inventory.ts';
import * as notification from '../../../src/domains/bookstore/notification.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';
import type { Delta, Document } from '../../../src/kit/projections/projection-store.ts';
import { orderPlaced } from './arbitraries.ts';

const AT = { topic: 'order-placed', partition: 0 };
const orders = fc.uniqueArray(orderPlaced, { maxLength: 30, selector: ({ order_id }) => order_id });

/** Each batch a transaction. */
async function fold(
  project: (event: OrderPlaced) => Delta[],
  batches: readonly (readonly OrderPlaced[])[],
): Promise<Map<string, Document>> {
  const store = await SqliteProjectionStore.open({ path: ':memory:', name: 'test' });
  const { epoch } = await store.claim(AT);
  let from = 0;
  for (const [n, batch] of batches.entries()) {
    const next = from + batch.length;
    const effects = batch.map((event, i) => ({ offset: from + i, eventId: null, deltas: project(event) }));
    const change = { ...AT, epoch, expect: n === 0 ? null : from, next, effects };
    assert.equal((await store.apply({ ...change, park: [], unpark: [], dead: 0, now: 0 })).status, 'ok');
    from = next;
  }
  const documents = new Map(await Array.fromAsync(store.documents()));
  await store.close();
  return documents;
}

describe('reactions to placed orders', () => {
  for (const [name, { project }] of Object.entries({ inventory, notification, analytics })) {
    test(`${name}: the same in any order and in any batches`, () =>
      fc.assert(
        fc.asyncProperty(orders, fc.nat(30), async (events, cut) => {
          const backwards = events.toReversed();
          const [once, again] = await Promise.all([
            fold(project, [events]),
            fold(project, [backwards.slice(0, cut), backwards.slice(cut)]),
          ]);
          assert.deepEqual([...once], [...again]);
        }),
        { numRuns: 40 },
      ));
  }

  test('inventory: what is on hand and what is short is what was there less what was ordered', () =>
    fc.assert(
      fc.asyncProperty(orders, async (events) => {
        const documents = await fold(inventory.project, [events]);
        for (const book of CATALOG.values()) {
          const lines = events.flatMap(({ data }) => data.lines).filter(({ isbn }) => isbn === book.isbn);
          const ordered = lines.reduce((sum, { quantity }) => sum + quantity, 0);
          const { on_hand, short, out_of_stock } = inventory.stockOf(book, documents.get(book.isbn) ?? null);
          assert.equal(on_hand - short, book.opening_stock - ordered);
          assert.ok(on_hand === 0 || short === 0);
          assert.equal(out_of_stock, ordered >= book.opening_stock);
        }
      }),
      { numRuns: 40 },
    ));

  test('inventory: the last copy', () => {
    const [book] = CATALOG.values();
    const left = (copies: number) => inventory.stockOf(book!, { ordered: book!.opening_stock - copies });
    assert.deepEqual(left(1), { on_hand: 1, short: 0, out_of_stock: false });
    assert.deepEqual(left(0), { on_hand: 0, short: 0, out_of_stock: true });
    assert.deepEqual(left(-1), { on_hand: 0, short: 1, out_of_stock: true });
  });

  test('analytics: days and titles both add up to all there is', () =>
    fc.assert(
      fc.asyncProperty(orders, async (events) => {
        const documents = [...(await fold(analytics.project, [events]))];
        const lines = events.flatMap(({ data }) => data.lines);
        const revenue = lines.reduce((sum, { quantity, price_cents }) => sum + quantity * price_cents, 0);
        const sum = (prefix: string, field: string) =>
          documents.reduce((total, [key, one]) => total + (key.startsWith(prefix) ? Number(one[field]) : 0), 0);
        assert.equal(sum('day/', 'orders'), events.length);
        assert.equal(sum('day/', 'revenue_cents'), revenue);
        assert.equal(sum('title/', 'revenue_cents'), revenue);
        assert.equal(sum('title/', 'copies'), sum('day/', 'copies'));
      }),
      { numRuns: 40 },
    ));

  test('analytics: the day is that of UTC, and an order that names a book twice is one order of it', async () => {
    const line = { isbn: '9780141439518', title: '1984', quantity: 1, price_cents: 500 };
    const event = order('o-1', '2026-05-27T23:30:00-01:00', [line, { ...line, quantity: 2 }]);
    const documents = await fold(analytics.project, [[event]]);
    const sales = { copies: 3, orders: 1, revenue_cents: 1_500 };
    assert.deepEqual(
      [...documents],
      [
        ['day/2026-05-28', sales],
        ['title/9780141439518', sales],
      ],
    );
  });

  test('notification: the customer reads what was ordered and what it costs', async () => {
    const lines = [...CATALOG.values()].map(({ isbn, title }) => ({ isbn, title, quantity: 2, price_cents: 250 }));
    const documents = await fold(notification.project, [[order('o-1', '2026-05-27T14:00:00Z', lines)]]);
    assert.deepEqual(documents.get('c-1'), {
      'o-1':
        '2026-05-27T14:00:00.000Z Thank you for your order: 2 x Pride and Prejudice, 2 x A Tale of Two Cities, ' +
        '2 x Frankenstein, 2 more, 25.00 in all.',
    });
  });

  test('notification: the latest messages stay, however many there were', async () => {
    const line = { isbn: '9780141439518', title: 'Emma', quantity: 1, price_cents: 1 };
    const minutes = Array.from({ length: 50 }, (_, n) => String(n).padStart(2, '0'));
    const events = minutes.map((minute) => order(`o-${minute}`, `2026-05-27T14:${minute}:00Z`, [line]));
    const inbox = (await fold(notification.project, [events.toReversed()])).get('c-1')!;
    const latest = events.slice(-notification.MAX_MESSAGES);
    assert.deepEqual(
      Object.keys(inbox),
      latest.map(({ order_id }) => order_id),
    );
  });
});

function order(order_id: string, timestamp: string, lines: OrderPlaced['data']['lines']): OrderPlaced {
  return {
    event_id: `e-${order_id}`,
    event_type: 'order_placed',
    order_id,
    timestamp,
    data: { customer_id: 'c-1', lines },
  };
}
