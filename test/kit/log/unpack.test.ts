import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compressionsAlgorithms } from '@platformatic/kafka';
import fc from 'fast-check';
import { unpackLz4, xxh32 } from '../../../src/kit/log/unpack-lz4.ts';
import { unpackSnappy } from '../../../src/kit/log/unpack-snappy.ts';

const LIMIT = 16 * 1024 * 1024;
const CODECS = [
  { name: 'snappy', pack: compressionsAlgorithms.snappy.compressSync, unpack: unpackSnappy },
  { name: 'lz4', pack: compressionsAlgorithms.lz4.compressSync, unpack: unpackLz4 },
] as const;

/** Random, and such as repeats itself near and far. Never nothing, which the library cannot always pack. */
const contents = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(
      fc.array(fc.string({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 400 }),
    )
    .map(([words, order]) => Buffer.from(order.map((i) => words[i % words.length]).join(''))),
  fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 200_000 })).map(([byte, length]) => Buffer.alloc(length, byte)),
);

/** As Java's SnappyOutputStream packs it. */
function inChunks(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [Buffer.from('82534e41505059000000000100000001', 'hex')];
  for (let at = 0; at < bytes.length; at += size) {
    const packed = compressionsAlgorithms.snappy.compressSync(bytes.subarray(at, at + size));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(packed.length);
    pieces.push(length, packed);
  }
  return Buffer.concat(pieces);
}

for (const { name, pack, unpack } of CODECS) {
  describe(name, () => {
    test('what the library packs comes out as it was', () => {
      fc.assert(fc.property(contents, (bytes) => assert.deepEqual(unpack(pack(bytes), LIMIT), bytes)));
    });

    test('what is damaged is refused or comes out as something, and nothing else happens', () => {
      const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(contents, damage, fc.nat(), (bytes, changes, cut) => {
          const packed = Buffer.from(pack(bytes));
          for (const [at, value] of changes) packed[at % packed.length] = value;
          for (const spoilt of [packed, packed.subarray(0, cut % (packed.length + 1))]) {
            try {
              assert.ok(unpack(spoilt, LIMIT).length <= LIMIT);
            } catch (error) {
              assert.ok(error instanceof RangeError, String(error));
            }
          }
        }),
        { numRuns: 2_000 },
      );
    });

    test('no more comes out than may', () => {
      const packed = pack(Buffer.alloc(100_000));
      assert.equal(unpack(packed, 100_000).length, 100_000);
      assert.throws(() => unpack(packed, 99_999), RangeError);
    });
  });
}

test('snappy in the chunks of Java', () => {
  const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, i) => `record ${i % 70} `).join(''));
  assert.deepEqual(unpackSnappy(inChunks(bytes, 32_768), LIMIT), bytes);
  assert.throws(() => unpackSnappy(inChunks(bytes, 32_768), bytes.length - 1), RangeError);
  assert.throws(() => unpackSnappy(inChunks(bytes, 32_768).subarray(0, -1), LIMIT), RangeError);
});

test('snappy: a size that lies costs nothing', () => {
  assert.throws(() => unpackSnappy(Buffer.from('ffffff7f00', 'hex'), 2 ** 31), RangeError);
});

describe('LZ4 frames with everything that a frame can have', () => {
  /** One block, not packed. */
  function frame(
    flags: number,
    content: Buffer,
    { sum = 0, blockSum = 0 }: { sum?: number; blockSum?: number } = {},
  ): Buffer {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(content.length));
    const descriptor = Buffer.concat([Buffer.from([flags, 0x40]), flags & 8 ? size : Buffer.alloc(0)]);
    const word = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes;
    };
    return Buffer.concat([
      word(0x184d2204),
      descriptor,
      Buffer.from([(xxh32(descriptor) >>> 8) & 0xff]),
      word(0x8000_0000 + content.length),
      content,
      flags & 16 ? word(xxh32(content) + blockSum) : Buffer.alloc(0),
      word(0),
      flags & 4 ? word(xxh32(content) + sum) : Buffer.alloc(0),
    ]);
  }
  const content = Buffer.from('something of more than sixteen bytes');

  test('are read, and their checksums and sizes compared', () => {
    for (const flags of [0x60, 0x68, 0x64, 0x70, 0x7c])
      assert.deepEqual(unpackLz4(frame(flags, content), LIMIT), content);
    assert.throws(() => unpackLz4(frame(0x64, content, { sum: 1 }), LIMIT), /checksum of the content/);
    assert.throws(() => unpackLz4(frame(0x70, content, { blockSum: 1 }), LIMIT), /checksum of a block/);
    const wrongSize = frame(0x68, content);
    wrongSize[6]! += 1;
    wrongSize[14] = (xxh32(wrongSize.subarray(4, 14)) >>> 8) & 0xff;
    assert.throws(() => unpackLz4(wrongSize, LIMIT), /instead of/);
  });

  test('of another version, or with a dictionary, are refused', () => {
    for (const flags of [0x20, 0x61]) assert.throws(() => unpackLz4(frame(flags, content), LIMIT), /another kind/);
  });
});

test('xxHash as others have it', () => {
  const known: [string, number][] = [
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ];
  for (const [text, hash] of known) assert.equal(xxh32(Buffer.from(text)), hash, text);
});
