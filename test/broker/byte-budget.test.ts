import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteBudget } from '../../src/broker/byte-budget.ts';

describe('a shared budget of bytes', () => {
  test('who finds no room waits, and is served in turn', () => {
    const budget = new ByteBudget(100);
    const order: string[] = [];
    assert.equal(
      budget.take(80, () => {}),
      null,
    );
    assert.notEqual(
      budget.take(50, () => order.push('first')),
      null,
    );
    assert.notEqual(
      budget.take(10, () => order.push('second')),
      null,
      'would fit, but does not overtake',
    );
    budget.give(80);
    assert.deepEqual(order, ['first', 'second']);
    assert.equal(budget.free, 40);
  });

  test('what is larger than all of it goes alone', () => {
    const budget = new ByteBudget(100);
    assert.equal(
      budget.take(500, () => {}),
      null,
    );
    let went = false;
    budget.take(1, () => (went = true));
    assert.equal(went, false);
    budget.give(500);
    assert.equal(went, true);
  });

  test('who goes away does not hold up those behind', () => {
    const budget = new ByteBudget(100);
    const order: string[] = [];
    budget.take(90, () => {});
    const leave = budget.take(100, () => order.push('gone'))!;
    budget.take(10, () => order.push('next'));
    leave();
    assert.deepEqual(order, ['next']);
    assert.equal(budget.free, 0);
  });
});
