import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fingerprintMemo, fingerprintOf, shapeOf } from '../../../src/kit/dlq/fingerprint.ts';

const WORDS = [
  'post',
  'is',
  'missing',
  'user_id',
  'must',
  'be',
  'a',
  'string',
  "the record's key",
  'not',
  'known:',
  'after',
];
const word = fc.constantFrom(...WORDS);
const digits = fc.stringMatching(/^[0-9]{1,12}$/);
/** What one event alone has: ids, numbers, times, quotations. */
const particular = fc.oneof(
  fc.uuid(),
  digits,
  fc.tuple(fc.constantFrom('post_', 'u-', 'c_x'), digits).map((parts) => parts.join('')),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e6 }).map((n) => n.toFixed(2)),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
  fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text.replaceAll(/["\\]/g, ''))),
  fc.string({ maxLength: 20 }).map((text) => `'${text.replaceAll("'", '')}'`),
);

/** Words with holes: each hole is filled with another particular. */
const sentence = fc.array(fc.option(word, { nil: null, freq: 3 }), { minLength: 1, maxLength: 12 });
const filled = (parts: readonly (string | null)[], fills: readonly string[]): string =>
  parts.map((part, index) => part ?? fills[index]).join(' ');

test('reasons that differ in ids, numbers, times and quotations have one shape', () => {
  const fills = fc.array(particular, { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(sentence, fills, fills, (parts, one, other) => {
      assert.equal(shapeOf(filled(parts, one)), shapeOf(filled(parts, other)));
    }),
    { numRuns: 500 },
  );
});

test('reasons of different words have different shapes', () => {
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      fc.array(word, { minLength: 1, maxLength: 6 }),
      (a, b) => {
        assert.equal(shapeOf(a.join(' ')) === shapeOf(b.join(' ')), a.join(' ') === b.join(' '));
      },
    ),
  );
});

test('any text has a short shape, which is its own shape', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      const shape = shapeOf(text);
      assert.ok(shape.length <= 200);
      assert.equal(shapeOf(shape), shape);
    }),
  );
});

test('what the codec says becomes what a person would group by', () => {
  const shapes = {
    'the value is not JSON: Unexpected token \'o\', "not json" is not valid JSON':
      'the value is not JSON: Unexpected token … is not valid JSON',
    'the value is not JSON: Unexpected token \'x\', ..."id": "a" 42, "b": ""... is not valid JSON':
      'the value is not JSON: Unexpected token … is not valid JSON',
    'the value is not JSON: Unterminated string in JSON at position 17 (line 1 column 18)':
      'the value is not JSON: Unterminated string in JSON at position … (line … column …)',
    'user_id must be string; likes is not a known field': 'user_id must be string; likes is not a known field',
    'data/tags/3 must be string': 'data/tags/… must be string',
    'post_1 is missing': '… is missing',
    "the record's key is not its user_id": "the record's key is not its user_id",
  };
  for (const [reason, shape] of Object.entries(shapes)) assert.equal(shapeOf(reason), shape);
});

test('a fingerprint is of code, group, topic and shape, and the memo says the same', () => {
  const failure = { code: 'NOT_JSON', group: 'g', topic: 't', reason: 'post_1 is missing' };
  const print = fingerprintOf(failure);
  assert.match(print, /^[0-9a-f]{16}$/);
  assert.equal(fingerprintOf({ ...failure, reason: 'post_2 is missing' }), print);
  for (const other of [{ code: 'X' }, { group: 'h' }, { topic: 'u' }, { reason: 'gone' }])
    assert.notEqual(fingerprintOf({ ...failure, ...other }), print);
  const memo = fingerprintMemo(2);
  for (let n = 0; n < 5; n++) assert.equal(memo({ ...failure, reason: `post_${n} is missing` }), print);
});
