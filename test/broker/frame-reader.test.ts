import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../src/broker/frame-reader.ts';
import { isKitError } from '../../src/kit/errors.ts';

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

describe('frames', () => {
  test('come out as they went in, however the bytes are cut', () => {
    const bodies = fc.array(
      fc.uint8Array({ minLength: 8, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (sent, sizes) => {
        const reader = new FrameReader(1_000);
        const received: Buffer[] = [];
        let rest = Buffer.concat(sent.map(framed));
        while (rest.length > 0) {
          const size = sizes.next().value!;
          reader.push(rest.subarray(0, size));
          rest = rest.subarray(size);
          for (let frame = reader.next(); frame !== null; frame = reader.next()) received.push(frame);
        }
        assert.deepEqual(received, sent);
        assert.equal(reader.pending, 0);
      }),
    );
  });

  test('the length is known before the rest is there', () => {
    const reader = new FrameReader(1_000);
    reader.push(Buffer.from([0, 0]));
    assert.equal(reader.expected(), null);
    reader.push(Buffer.from([0, 100, 1]));
    assert.equal(reader.expected(), 100);
    assert.equal(reader.next(), null);
    assert.equal(reader.pending, 5);
  });

  for (const [what, length, code] of [
    ['larger than the limit', 1_001, 'REQUEST_TOO_LARGE'],
    ['smaller than a header', 7, 'MALFORMED_REQUEST'],
    ['negative', -1, 'MALFORMED_REQUEST'],
  ] as const) {
    test(`a length that is ${what} is refused`, () => {
      const reader = new FrameReader(1_000);
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(length);
      reader.push(bytes);
      assert.throws(
        () => reader.next(),
        (error) => isKitError(error, code),
      );
    });
  }
});
