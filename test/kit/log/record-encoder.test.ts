import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import type { NewRecord } from '../../../src/kit/log/event-log.ts';
import { encodeRecordBatch } from '../../../src/kit/log/record-encoder.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const nullable = fc.option(bytes, { nil: null });
const records: fc.Arbitrary<NewRecord[]> = fc.array(
  fc.record(
    {
      key: nullable,
      value: nullable,
      headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), nullable), { maxLength: 4 }),
      timestamp: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 200 },
);

describe('record encoder', () => {
  test('the library reads back what was written', () => {
    fc.assert(
      fc.property(
        records,
        fc.bigInt({ min: -1n, max: 2n ** 62n }),
        fc.nat(30_000),
        (input, producerId, firstSequence) => {
          const encoded = encodeRecordBatch(input, { producerId, producerEpoch: 3, firstSequence });
          assert.equal(encoded.readUInt32BE(17), crc32c(encoded.subarray(21)));
          const batch = readRecordsBatch(Reader.from(encoded));
          assert.equal(batch.length, encoded.length - 12);
          assert.equal(batch.lastOffsetDelta, input.length - 1);
          assert.deepEqual(
            [batch.magic, batch.attributes, batch.producerId, batch.producerEpoch, batch.firstSequence],
            [2, 0, producerId, 3, firstSequence],
          );
          assert.equal(Number(batch.maxTimestamp), Math.max(...input.map(({ timestamp }) => timestamp)));
          const output = batch.records.map(({ key, value, headers, timestampDelta }) => ({
            key,
            value,
            headers: headers.map(([name, content]) => [String(name), content]),
            timestamp: Number(batch.firstTimestamp + timestampDelta),
          }));
          assert.deepEqual(output, input);
          assert.deepEqual(
            batch.records.map(({ offsetDelta }) => offsetDelta),
            input.map((_, index) => index),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('without a stamp the batch is not idempotent', () => {
    const batch = encodeRecordBatch([{ key: null, value: null, headers: [], timestamp: 1 }]);
    const { producerId, producerEpoch, firstSequence } = readRecordsBatch(Reader.from(batch));
    assert.deepEqual([producerId, producerEpoch, firstSequence], [-1n, -1, -1]);
  });
});
