import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CATALOG } from '../../../src/domains/bookstore/catalog.ts';
import { isIsbn13, MAX_LINES, MAX_QUANTITY } from '../../../src/domains/bookstore/events.ts';
import { decide, evolve, NO_ORDER, type PlaceOrder } from '../../../src/domains/bookstore/order.ts';
import { placeOrder } from './arbitraries.ts';

const [ISBN] = CATALOG.keys();
const COMMAND: PlaceOrder = { order_id: 'o-1', customer_id: 'c-1', lines: [{ isbn: ISBN!, quantity: 2 }] };

function placed(command: PlaceOrder) {
  const decision = decide(command, NO_ORDER, CATALOG);
  assert.ok(decision.ok);
  return decision.events[0]!;
}

describe('placing an order', () => {
  test('one event, with what the catalog says at that moment', () =>
    fc.assert(
      fc.property(placeOrder, (command) => {
        const { order_id, data } = placed(command);
        assert.equal(order_id, command.order_id);
        assert.equal(data.customer_id, command.customer_id);
        const expected = command.lines.map(({ isbn, quantity }) => {
          const { title, price_cents } = CATALOG.get(isbn)!;
          return { isbn, title, quantity, price_cents };
        });
        assert.deepEqual(data.lines, expected);
      }),
    ));

  test('a command that is repeated leads to nothing new, also when prices have changed', () =>
    fc.assert(
      fc.property(placeOrder, (command) => {
        const order = evolve(NO_ORDER, placed(command));
        const dearer = new Map([...CATALOG].map(([isbn, book]) => [isbn, { ...book, price_cents: 1 }]));
        assert.deepEqual(decide(command, order, dearer), { ok: true, events: [] });
      }),
    ));

  test('the same order with other content is refused, and an order that is placed stays as it was', () => {
    const order = evolve(NO_ORDER, placed(COMMAND));
    const other = { ...COMMAND, lines: [{ isbn: ISBN!, quantity: 3 }] };
    assert.equal(decide(other, order, CATALOG).ok, false);
    assert.equal(decide({ ...COMMAND, customer_id: 'c-2' }, order, CATALOG).ok, false);
    assert.equal(decide({ ...COMMAND, lines: [] }, order, CATALOG).ok, false);
    assert.equal(evolve(order, placed(other)), order);
  });

  const refusals: readonly [name: string, lines: PlaceOrder['lines'], reason: RegExp][] = [
    ['nothing', [], /at least one line/],
    ['too much', new Array(MAX_LINES + 1).fill({ isbn: ISBN!, quantity: 1 }), /at most 100 lines/],
    ['an unknown book', [{ isbn: '9780000000002', quantity: 1 }], /9780000000002 is not in the catalog/],
    ['no copies', [{ isbn: ISBN!, quantity: 0 }], /from 1 to 1000, not 0/],
    ['half a copy', [{ isbn: ISBN!, quantity: 0.5 }], /not 0.5/],
    ['too many copies', [{ isbn: ISBN!, quantity: MAX_QUANTITY + 1 }], /not 1001/],
  ];
  for (const [name, lines, reason] of refusals) {
    test(`refused: ${name}`, () => {
      const decision = decide({ ...COMMAND, lines }, NO_ORDER, CATALOG);
      assert.ok(!decision.ok);
      assert.match(decision.reason, reason);
    });
  }
});

test('an ISBN with one digit changed, or two neighbours swapped, is mostly none', () => {
  assert.ok(isIsbn13('9780141439518'));
  for (const wrong of ['9780141439517', '9780141439581', '978014143951', '97801414395180', '9770141439518', '']) {
    assert.equal(isIsbn13(wrong), false, wrong);
  }
});
