import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka';
import fc from 'fast-check';
import { readBatchHeader } from '../../../../src/kit/log/embedded/batch-header.ts';
import { decodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';
import { checkWireBatch } from '../../../../src/kit/log/embedded/wire-batch.ts';
import { encodeRecordBatch } from '../../../../src/kit/log/record-encoder.ts';
import { AT, record, stamped } from './store-support.ts';

const THREE = [record('a', '1', 5), record('b', null, 9), record('c', '3', 7)];

/** With a checksum that fits. */
function changed(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17);
  return copy;
}

function compressed(
  records: Parameters<typeof encodeRecordBatch>[0],
  codec: 'gzip' | 'snappy' | 'lz4' | 'zstd',
): Buffer {
  const plain = encodeRecordBatch(records);
  const { compressSync, bitmask } = compressionsAlgorithms[codec];
  const batch = Buffer.concat([plain.subarray(0, 61), compressSync(plain.subarray(61))]);
  return changed(batch, (bytes) => {
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt16BE(bitmask, 21);
  });
}

/** 160 MiB of zeros in a few kilobytes. */
function bomb(): Buffer {
  const members = new Array<Buffer>(10).fill(gzipSync(Buffer.alloc(16 * 1024 * 1024)));
  return changed(Buffer.concat([compressed(THREE, 'gzip').subarray(0, 61), ...members]), (bytes) => {
    bytes.writeInt32BE(bytes.length - 12, 8);
  });
}

describe('a batch from outside', () => {
  const good = encodeRecordBatch(THREE);
  const refused = (bytes: Buffer, code: string, compacted = false) =>
    assert.throws(() => checkWireBatch(bytes, compacted), { name: 'KitError', code, retriable: false });

  test('as producers send them is taken as it is', () => {
    const before = Buffer.from(good);
    checkWireBatch(good, true);
    assert.deepEqual(good, before);
    checkWireBatch(stamped({ producerId: 5n, producerEpoch: 3, firstSequence: 2 ** 31 - 1 }, 3), false);
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const batch = compressed(THREE, codec);
      checkWireBatch(batch, true);
      assert.equal(decodeBatch(AT, batch).length, 3);
    }
  });

  test('that is damaged is CORRUPT_BATCH, wherever the damage is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 17, max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Buffer.from(good);
        bytes[at]! ^= mask;
        refused(bytes, 'CORRUPT_BATCH');
      }),
    );
  });

  test('that is not one whole batch of format v2 is INVALID_BATCH', () => {
    refused(Buffer.alloc(0), 'INVALID_BATCH');
    refused(good.subarray(0, -1), 'INVALID_BATCH');
    refused(Buffer.concat([good, good]), 'INVALID_BATCH');
    refused(
      changed(good, (bytes) => bytes.writeInt8(1, 16)),
      'INVALID_BATCH',
    );
    for (const attributes of [1 << 3, 1 << 4, 1 << 5, 5, 6, 7]) {
      refused(
        changed(good, (bytes) => bytes.writeInt16BE(attributes, 21)),
        'INVALID_BATCH',
      );
    }
    for (const [count, lastDelta] of [
      [0, -1],
      [2, 1],
      [4, 3],
      [3, 3],
      [-1, -2],
    ] as const) {
      const lies = changed(good, (bytes) => {
        bytes.writeInt32BE(count, 57);
        bytes.writeInt32BE(lastDelta, 23);
      });
      refused(lies, 'INVALID_BATCH');
    }
    refused(
      changed(stamped({}), (bytes) => bytes.writeInt32BE(-1, 53)),
      'INVALID_BATCH',
    );
  });

  test('whose records are not records never gets through, nor breaks anything', () => {
    const bytes = fc.array(fc.tuple(fc.integer({ min: 61, max: good.length - 1 }), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(bytes, (changes) => {
        const batch = changed(good, (copy) => {
          for (const [at, value] of changes) copy[at] = value;
        });
        try {
          checkWireBatch(batch, false);
        } catch (error) {
          assert.match((error as { code?: string }).code!, /^INVALID_(BATCH|RECORD)$/);
          return;
        }
        assert.equal(decodeBatch(AT, batch).length, 3);
      }),
      { numRuns: 2_000 },
    );
  });

  test('for a compacted topic needs a key in every record, compressed or not', () => {
    const keyless = [record('a', '1'), record(null, '2')];
    checkWireBatch(encodeRecordBatch(keyless), false);
    refused(encodeRecordBatch(keyless), 'INVALID_RECORD', true);
    checkWireBatch(compressed(keyless, 'gzip'), false);
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const)
      refused(compressed(keyless, codec), 'INVALID_RECORD', true);
  });

  test('is opened if it is compressed: damage that the checksum does not show is refused, and so is what is too large', () => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      refused(
        changed(compressed(THREE, codec), (bytes) => bytes.fill(0, 70)),
        'INVALID_BATCH',
      );
    }
    refused(bomb(), 'INVALID_BATCH');
  });

  test('with a time that is not exact as a number is refused', () => {
    for (const time of [2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      refused(
        changed(good, (bytes) => bytes.writeBigInt64BE(time, 27)),
        'INVALID_RECORD',
      );
    }
  });

  test('with a wrong largest time in its header gets the right one', () => {
    for (const lie of [-1n, 6n, 2n ** 60n]) {
      for (const right of [good, compressed(THREE, 'lz4')]) {
        const batch = changed(right, (bytes) => bytes.writeBigInt64BE(lie, 35));
        checkWireBatch(batch, false);
        assert.equal(readBatchHeader(batch).maxTimestamp, 9);
        assert.deepEqual(batch, right);
      }
    }
  });
});
