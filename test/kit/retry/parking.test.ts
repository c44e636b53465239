import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ParkedRecord } from '../../../src/kit/projections/projection-store.ts';
import { Parking } from '../../../src/kit/retry/parking.ts';

const parked = (offset: number, key: string, dueAt = 0): ParkedRecord => ({
  offset,
  key,
  attempts: 1,
  dueAt,
  firstFailedAt: 0,
  reason: '',
});

test('followers wait behind the head of their key, whatever their own time', () => {
  const parking = new Parking(undefined, [parked(7, 'a', 0), parked(3, 'a', 500), parked(5, 'b', 300)]);
  assert.equal(parking.due(200), undefined);
  assert.equal(parking.nextDueAt(), 300);
  assert.equal(parking.due(500)?.offset, 5);
  parking.release(parking.due(500)!);
  assert.equal(parking.due(500)?.offset, 3);
  parking.postpone(parked(3, 'a', 900));
  assert.equal(parking.due(500), undefined);
  parking.release(parking.due(900)!);
  assert.equal(parking.due(500)?.offset, 7);
  parking.release(parking.due(500)!);
  assert.deepEqual([parking.size, parking.holds('a'), parking.nextDueAt()], [0, false, undefined]);
});

test('only the head of a key can leave', () => {
  const parking = new Parking(undefined, [parked(1, 'a'), parked(2, 'a')]);
  assert.throws(() => parking.release(parked(2, 'a')), /not the head/);
});

test('bounds: per key and per partition, with room again at half', () => {
  const parking = new Parking({ maxPerKey: 2, maxPerPartition: 4 });
  parking.park(parked(0, 'a'));
  parking.park(parked(1, 'a'));
  assert.deepEqual([parking.admits('a'), parking.admits('b')], [false, true]);
  parking.park(parked(2, 'b'));
  parking.park(parked(3, 'c'));
  assert.equal(parking.admits('d'), false);
  parking.release(parking.due(0)!);
  assert.deepEqual([parking.admits('a'), parking.hasRoom('a')], [true, false]);
  parking.release(parking.due(0)!);
  assert.equal(parking.hasRoom('a'), true);
});

test('any order of parking and releasing agrees with a plain list', () => {
  const action = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), dueAt: fc.nat(50), release: fc.boolean() });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const parking = new Parking();
      let model: ParkedRecord[] = [];
      for (const [offset, { key, dueAt, release }] of actions.entries()) {
        if (!release) {
          parking.park(parked(offset, key, dueAt));
          model.push(parked(offset, key, dueAt));
          continue;
        }
        const heads = model.filter((one) => model.find((other) => other.key === one.key) === one && one.dueAt <= 25);
        const [expected] = heads.sort((a, b) => a.dueAt - b.dueAt || a.offset - b.offset);
        const due = parking.due(25);
        assert.deepEqual(due, expected);
        if (due === undefined) continue;
        parking.release(due);
        model = model.filter(({ offset: other }) => other !== due.offset);
      }
      assert.equal(parking.size, model.length);
    }),
  );
});
