import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HANDLERS } from '../../../src/broker/handlers.ts';
import { readRequest, readResponse, writeRequest, writeResponse } from '../../../src/broker/protocol/codec.ts';
import {
  type Api,
  array,
  arrayOf,
  type Field,
  type Fields,
  int32,
  string,
} from '../../../src/broker/protocol/layout.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import { ByteReader } from '../../../src/kit/log/byte-reader.ts';
import { ByteWriter } from '../../../src/kit/log/byte-writer.ts';

function bytesOf(write: (to: ByteWriter) => void): Buffer {
  const to = new ByteWriter();
  write(to);
  const bytes = Buffer.concat(to.pieces());
  assert.equal(to.length, bytes.length);
  return bytes;
}

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  float64: fc.double({ noNaN: true }),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  string: fc.string({ unit: 'grapheme', maxLength: 40 }),
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  records: fc.uint8Array({ minLength: 1, maxLength: 3_000 }).map((bytes) => [Buffer.from(bytes)]),
};

/** A message of this version, whole: what the version lacks has its default. */
function messages(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const parts = Object.entries(fields).map(([name, field]) => [name, values(field, version)]);
  return fc.record(Object.fromEntries(parts), { noNullPrototype: true });
}

function values(field: Field, version: number): fc.Arbitrary<unknown> {
  if (version < field.since || version > field.until) return fc.constant(field.default);
  const value =
    field.type === 'array'
      ? fc.array(field.fields === null ? SCALARS[field.element!]! : messages(field.fields, version), { maxLength: 3 })
      : field.type === 'struct'
        ? messages(field.fields!, version)
        : SCALARS[field.type]!;
  return version >= field.nullableSince ? fc.option(value) : value;
}

describe('codec', () => {
  for (const { api } of HANDLERS as readonly { api: Api }[]) {
    test(`${api.name}: what is written is read, in every version`, () => {
      for (let version = api.versions[0]; version <= api.versions[1]; version++) {
        const runs = { numRuns: 20 };
        fc.assert(
          fc.property(messages(api.request, version), (message) => {
            const bytes = bytesOf((to) => writeRequest(api, version, message, to));
            assert.deepEqual(readRequest(api, version, bytes, 0), message);
          }),
          runs,
        );
        fc.assert(
          fc.property(messages(api.response, version), (message) => {
            const bytes = bytesOf((to) => writeResponse(api, version, message, to));
            assert.deepEqual(readResponse(api, version, bytes, 0), message);
          }),
          runs,
        );
      }
    });
  }

  const list = {
    name: 'List',
    key: 0,
    versions: [0, 1],
    flexible: 1,
    request: { names: arrayOf('string'), items: array({ id: int32() }), tagged: string({ since: 1, tag: 5 }) },
    response: {},
  } as const;

  test('bytes in a known order', () => {
    const message = { names: ['a', 'bc'], items: [{ id: 1 }], tagged: 'x' };
    assert.equal(
      bytesOf((to) => writeRequest(list, 0, message, to)).toString('hex'),
      '00000002000161000262630000000100000001',
    );
    assert.equal(
      bytesOf((to) => writeRequest(list, 1, message, to)).toString('hex'),
      '030261036263020000000100' + '01' + '05' + '02' + '0278',
    );
  });

  test('a tag that nobody knows is passed over', () => {
    const bytes = Buffer.from('0101' + '02' + '0302abcd' + '05020278', 'hex');
    assert.deepEqual(readRequest(list, 1, bytes, 0), { names: [], items: [], tagged: 'x' });
  });

  const refused = (hex: string, version: number): void =>
    assert.throws(
      () => readRequest(list, version, Buffer.from(hex, 'hex'), 0),
      (error) => isKitError(error, 'MALFORMED_REQUEST'),
    );

  test('a length that lies is refused before memory is taken', () => {
    refused('7fffffff', 0);
    refused('ffffffff', 0);
    refused('ffffffff0f', 1);
    refused('ffffffffff7f', 1);
    refused('000000017fff', 0);
  });

  test('so are bytes that end early', () => refused('0000', 0));

  test('what follows a request is passed over', () => {
    assert.deepEqual(readRequest(list, 0, Buffer.from('00000000000000000000', 'hex'), 0), {
      names: [],
      items: [],
      tagged: '',
    });
  });

  test('a text is at most as long as can be sent back, whatever becomes of bytes that are no UTF-8', () => {
    const one = (text: Buffer): Buffer => {
      const head = Buffer.alloc(6);
      head.writeInt32BE(1);
      head.writeInt16BE(text.length, 4);
      return Buffer.concat([head, text, Buffer.alloc(4)]);
    };
    const longest = Buffer.alloc(0x7fff, 'x');
    assert.deepEqual((readRequest(list, 0, one(longest), 0) as { names: readonly string[] }).names, [
      longest.toString(),
    ]);
    refused(one(Buffer.alloc(0x7fff, 0xff)).toString('hex'), 0);
    const compact = bytesOf((to) => {
      to.unsignedVarint(2);
      to.unsignedVarint(0x8001);
      to.bytes(Buffer.alloc(0x8000, 'x'));
      to.unsignedVarint(1);
      to.unsignedVarint(0);
    });
    refused(compact.toString('hex'), 1);
  });

  test('many elements that are small on the wire are refused', () => {
    const million = Buffer.alloc(4 + 2_000_000);
    million.writeInt32BE(1_000_000);
    refused(million.toString('hex'), 0);
  });
});

describe('primitive types', () => {
  const roundTrip = <T>(write: (to: ByteWriter) => void, read: (from: ByteReader) => T): T =>
    read(new ByteReader(bytesOf(write)));

  test('64-bit integers keep every safe integer', () => {
    for (const value of [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 31, -(2 ** 31) - 1]) {
      assert.equal(
        roundTrip(
          (to) => to.int64(value),
          (from) => from.int64(),
        ),
        value,
      );
    }
    // what is beyond is sent back as near as it can be
    for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 60n]) {
      const given = Buffer.alloc(8);
      given.writeBigInt64BE(value);
      assert.deepEqual(
        bytesOf((to) => to.int64(new ByteReader(given).int64())),
        given,
      );
    }
    const java = Buffer.alloc(8);
    java.writeBigInt64BE(-2n);
    assert.equal(new ByteReader(java).int64(), -2);
  });

  test('unsigned varints are those of Protocol Buffers', () => {
    const known = [
      [0, '00'],
      [127, '7f'],
      [128, '8001'],
      [300, 'ac02'],
      [2 ** 32 - 1, 'ffffffff0f'],
    ] as const;
    for (const [value, hex] of known) {
      assert.equal(bytesOf((to) => to.unsignedVarint(value)).toString('hex'), hex);
      assert.equal(new ByteReader(Buffer.from(hex, 'hex')).unsignedVarint(), value);
    }
  });

  test('large pieces are passed on without a copy', () => {
    const large = Buffer.alloc(100_000, 7);
    const to = new ByteWriter();
    to.int32(1);
    to.bytes(large);
    to.int8(2);
    assert.ok(to.pieces().includes(large));
    assert.equal(Buffer.concat(to.pieces()).length, 100_005);
  });
});
