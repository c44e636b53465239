import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import type { NewRecord } from '../../../src/kit/log/event-log.ts';
import { decodeRecords } from '../../../src/kit/log/record-decoder.ts';
import { encodeRecordBatch } from '../../../src/kit/log/record-encoder.ts';

const AT = { topic: 't', partition: 3 };
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const nullable = fc.option(bytes, { nil: null });
// few names and values, so that headers repeat from record to record, at the same place and elsewhere
const header = fc.tuple(
  fc.constantFrom('a', 'ce_type', 'ce_typ', ''),
  fc.constantFrom(null, Buffer.from('x'), Buffer.from('xy'), Buffer.alloc(0)),
);
const records: fc.Arbitrary<NewRecord[]> = fc.array(
  fc.record(
    {
      key: nullable,
      value: nullable,
      headers: fc.array(header, { maxLength: 5 }),
      timestamp: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 100 },
);

describe('record decoder', () => {
  test('reads back what was written, as the library does', () => {
    fc.assert(
      fc.property(records, (input) => {
        const encoded = encodeRecordBatch(input);
        encoded.writeBigInt64BE(700n, 0);
        const decoded = decodeRecords(AT, encoded);
        assert.deepEqual(
          decoded,
          input.map((record, index) => ({ ...record, ...AT, offset: 700 + index })),
        );
        const library = readRecordsBatch(Reader.from(encoded)).records;
        assert.deepEqual(
          decoded.map(({ key, value, headers }) => ({ key, value, headers })),
          library.map(({ key, value, headers }) => ({
            key,
            value,
            headers: headers.map(([name, content]) => [String(name), content]),
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('damaged bytes are refused or read as something, but never read beyond or for ever', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(255), (input, place, byte) => {
        const encoded = encodeRecordBatch(input);
        encoded[57 + (place % (encoded.length - 57))] = byte;
        try {
          assert.ok(decodeRecords(AT, encoded).length <= encoded.length);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
