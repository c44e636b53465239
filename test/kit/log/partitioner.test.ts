import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { murmur2 as libraryMurmur2 } from '@platformatic/kafka';
import fc from 'fast-check';
import { murmur2, partitionFor } from '../../../src/kit/log/partitioner.ts';

/** From Kafka's own UtilsTest.testMurmur2. */
const KAFKA_VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

interface Golden {
  readonly partitionCounts: readonly number[];
  readonly vectors: readonly {
    readonly key_hex: string;
    readonly murmur2: number;
    readonly partitions: readonly number[];
  }[];
}

describe('partitioner', () => {
  test('agrees with the Java client, hash and partition', () => {
    const golden = JSON.parse(readFileSync(new URL('../../golden/murmur2.json', import.meta.url), 'utf8')) as Golden;
    assert(golden.vectors.length > 100);
    for (const { key_hex, murmur2: hash, partitions } of golden.vectors) {
      const key = Buffer.from(key_hex, 'hex');
      assert.equal(murmur2(key), hash, key_hex);
      assert.deepEqual(
        golden.partitionCounts.map((count) => partitionFor(key, count)),
        partitions,
        key_hex,
      );
      if (Buffer.from(key.toString('utf8')).equals(key)) {
        assert.deepEqual(
          golden.partitionCounts.map((count) => partitionFor(key.toString('utf8'), count)),
          partitions,
        );
      }
    }
  });

  test('murmur2 agrees with the vectors of Kafka’s own test', () => {
    for (const [key, hash] of KAFKA_VECTORS) assert.equal(murmur2(Buffer.from(key)), hash, key);
  });

  test('property: murmur2 agrees with @platformatic/kafka for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(murmur2(bytes), libraryMurmur2(Buffer.from(bytes)));
      }),
    );
  });

  test('a negative hash loses its sign bit, as Java’s toPositive does it', () => {
    assert.equal(partitionFor('21', 1000), (-973932308 & 0x7fffffff) % 1000);
  });

  test('text is UTF-8; bytes and text give the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 2000 }), (key, partitions) => {
        const partition = partitionFor(key, partitions);
        assert.equal(partition, partitionFor(Buffer.from(key, 'utf8'), partitions));
        assert(partition >= 0 && partition < partitions);
      }),
    );
  });

  test('refuses a number of partitions that is none', () => {
    for (const partitions of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => partitionFor('k', partitions), { code: 'INVALID_ARGUMENT' });
    }
  });
});
