import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { orderPlacedCodec } from '../../../src/domains/bookstore/codec.ts';
import type { OrderPlaced } from '../../../src/domains/bookstore/events.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import type { LogRecord } from '../../../src/kit/log/event-log.ts';
import { orderPlaced } from './arbitraries.ts';

const EVENT: OrderPlaced = {
  event_id: 'e-1',
  event_type: 'order_placed',
  order_id: 'o-1',
  timestamp: '2026-05-27T14:00:00Z',
  data: { customer_id: 'c-1', lines: [{ isbn: '9780141439518', title: 'Emma', quantity: 2, price_cents: 899 }] },
};
const STAMP = { now: Date.parse('2026-01-01T00:00:00Z'), newId: () => 'made' };

function record(event: OrderPlaced, changes: Partial<LogRecord> = {}): LogRecord {
  const { topic, key, value, headers } = orderPlacedCodec.encode(event);
  return { topic, partition: 2, offset: 7, key: Buffer.from(key), value, headers, timestamp: 1_000, ...changes };
}

/** As `kafka-console-producer` would have sent it. */
function plain(value: unknown): LogRecord {
  return record(EVENT, { headers: [], value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) });
}

function codeOf(one: LogRecord): string {
  const decoded = orderPlacedCodec.decode(one);
  return decoded.ok ? 'ok' : decoded.code;
}

describe('the codec of placed orders', () => {
  test('what is encoded is decoded, keyed by its order id', () =>
    fc.assert(
      fc.property(orderPlaced, (event) => {
        const sent = record(event);
        assert.equal(sent.key!.toString(), event.order_id);
        assert.deepEqual(orderPlacedCodec.decode(sent), { ok: true, event, id: event.event_id });
        assert.deepEqual(orderPlacedCodec.accept(event, STAMP), event);
      }),
    ));

  test('no value makes it throw', () =>
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.constant(EVENT), fc.string()), fc.boolean(), (value, isBinary) => {
        const { headers } = isBinary ? record(EVENT) : plain('');
        orderPlacedCodec.decode({ ...plain(value), headers });
      }),
    ));

  test('structured mode and plain JSON are read too; what is absent comes from the record', () => {
    const { event_id, event_type, order_id, timestamp, data } = EVENT;
    const envelope = { specversion: '1.0', id: event_id, source: '/shop', type: event_type, subject: order_id };
    const structured = plain({ ...envelope, time: timestamp, data });
    assert.deepEqual(orderPlacedCodec.decode(structured), { ok: true, event: EVENT, id: 'e-1' });
    const bare = orderPlacedCodec.decode(plain({ event_type, order_id, data }));
    const event = { ...EVENT, event_id: 'order-placed/2/7', timestamp: '1970-01-01T00:00:01.000Z' };
    assert.deepEqual(bare, { ok: true, event, id: 'order-placed/2/7' });
  });

  test('an absent id and time are filled in; what does not fit is refused with what is wrong', () => {
    const { event_type, order_id, data } = EVENT;
    const made = orderPlacedCodec.accept({ event_type, order_id, data }, STAMP);
    assert.deepEqual(made, { ...EVENT, event_id: 'made', timestamp: '2026-01-01T00:00:00.000Z' });
    const wrong = { ...EVENT, data: { customer_id: 'c', lines: [{ ...data.lines[0], isbn: '9780141439519' }] } };
    assert.throws(
      () => orderPlacedCodec.accept(wrong, STAMP),
      (error) => isKitError(error, 'INVALID_EVENT') && /lines\/0\/isbn must be an ISBN/.test(error.message),
    );
    for (const input of [null, 'x', [], {}, { ...EVENT, more: 1 }, { ...EVENT, data: { customer_id: 'c', lines: [] } }])
      assert.throws(
        () => orderPlacedCodec.accept(input, STAMP),
        (error) => isKitError(error, 'INVALID_EVENT'),
      );
  });

  test('poison has a code', () => {
    assert.equal(codeOf(record(EVENT, { value: null })), 'NULL_VALUE');
    assert.equal(codeOf(record(EVENT, { value: Buffer.from([0xff]) })), 'NOT_JSON');
    assert.equal(codeOf(plain('{')), 'NOT_JSON');
    assert.equal(codeOf(plain({})), 'SCHEMA_MISMATCH');
    assert.equal(codeOf(plain([])), 'SCHEMA_MISMATCH');
    assert.equal(codeOf(record(EVENT, { key: null })), 'MISSING_KEY');
    assert.equal(codeOf(record(EVENT, { key: Buffer.from('o-2') })), 'KEY_MISMATCH');
  });
});
