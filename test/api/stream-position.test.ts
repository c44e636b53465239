import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPosition, isPosition, logFingerprint, parsePosition } from '../../src/api/stream-position.ts';
import { isKitError } from '../../src/kit/errors.ts';

const LOG = logFingerprint('a-cluster');
const offsets = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 40 });
const positions = fc
  .uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/), { minLength: 1, maxLength: 4 })
  .chain((topics) => fc.tuple(...topics.map((topic) => fc.tuple(fc.constant(topic), offsets))))
  .map((entries) => new Map(entries as [string, number[]][]));

test('a position comes back as it was', () => {
  fc.assert(
    fc.property(positions, (given) => {
      const text = formatPosition(LOG, given);
      assert(isPosition(text));
      assert.deepEqual(parsePosition(text, LOG, [...given.keys()].reverse()), given);
    }),
  );
});

test('whatever else is given is refused, and nothing but refused', () => {
  const refused = (text: string) =>
    assert.throws(
      () => parsePosition(text, LOG, ['a']),
      (error) => isKitError(error, 'INVALID_POSITION'),
      text,
    );
  fc.assert(fc.property(fc.string(), (text) => refused(`1.${text}`)));
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'1az,=;.-'), maxLength: 30 }), (rest) => {
      const text = `1.${LOG}.a=${rest}`;
      try {
        const parsed = parsePosition(text, LOG, ['a']);
        assert.equal(formatPosition(LOG, parsed), text);
      } catch (error) {
        assert(isKitError(error, 'INVALID_POSITION'), String(error));
      }
    }),
  );
  for (const text of [
    `1.${LOG}.a=`,
    `1.${LOG}.a=1,`,
    `1.${LOG}.a=01`,
    `1.${LOG}.a=zzzzzzzzzzzzzz`,
    `1.${LOG}.a=1;a=2`,
    `1.${LOG}.b=1`,
    `1.${LOG}.a=1;b=1`,
    `1.${logFingerprint('another')}.a=1`,
    `2.${LOG}.a=1`,
  ])
    refused(text);
});
