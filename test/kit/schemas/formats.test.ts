import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  epochMs,
  isId,
  isTimestamp,
  isTraceparent,
  isUriReference,
  isWithinDepth,
  utcText,
} from '../../../src/kit/schemas/formats.ts';

describe('isId', () => {
  const cases: [name: string, text: string, valid: boolean][] = [
    ['empty', '', false],
    ['one byte', 'a', true],
    ['256 bytes of ASCII', 'a'.repeat(256), true],
    ['257 bytes of ASCII', 'a'.repeat(257), false],
    ['256 bytes in two-byte letters', 'é'.repeat(128), true],
    ['257 bytes, the last two a letter', `${'a'.repeat(255)}é`, false],
    ['256 bytes in three-byte letters and one', `${'字'.repeat(85)}a`, true],
    ['258 bytes in three-byte letters', '字'.repeat(86), false],
    ['256 bytes in emoji', '😀'.repeat(64), true],
    ['260 bytes in emoji', '😀'.repeat(65), false],
    ['slashes, dots, spaces, braces', 'a/b .. {c}', true],
    ['a tab', 'a\tb', false],
    ['NUL', 'a\0', false],
    ['DEL', 'a\x7f', false],
    ['U+0080 and U+009F', '\u0080', false],
    ['U+009F', 'a\u009f', false],
    ['U+00A0, the first after the control characters', '\u00a0', true],
    ['a lone high surrogate', '\ud83d', false],
    ['a lone low surrogate', '\ude00a', false],
    ['a high surrogate before a letter', '\ud83da', false],
  ];
  for (const [name, text, valid] of cases) it(name, () => assert.equal(isId(text), valid));

  it('agrees with the definition for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat({ max: 0x3ff }).map((c) => String.fromCodePoint(c)), maxLength: 300 }),
        (text) => {
          const bytes = Buffer.byteLength(text);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the question
          assert.equal(isId(text), bytes >= 1 && bytes <= 256 && !/[\u0000-\u001f\u007f-\u009f]/.test(text));
        },
      ),
    );
  });
});

describe('timestamps', () => {
  const valid: [text: string, utc: string][] = [
    ['2026-05-27T14:00:00Z', '2026-05-27T14:00:00.000Z'],
    ['2026-05-27T14:00:00.1Z', '2026-05-27T14:00:00.100Z'],
    ['2026-05-27T14:00:00.123Z', '2026-05-27T14:00:00.123Z'],
    ['2026-05-27T14:00:00.1239999Z', '2026-05-27T14:00:00.123Z'],
    ['2026-05-27t14:00:00z', '2026-05-27T14:00:00.000Z'],
    ['2026-05-27T14:00:00+02:00', '2026-05-27T12:00:00.000Z'],
    ['2026-01-01T00:30:00+05:45', '2025-12-31T18:45:00.000Z'],
    ['2026-05-27T14:00:00-00:00', '2026-05-27T14:00:00.000Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
    ['2016-12-31T15:59:60.5-08:00', '2016-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ];
  for (const [text, utc] of valid) {
    it(`takes ${text}`, () => {
      assert.ok(isTimestamp(text));
      assert.equal(utcText(text), utc);
      assert.equal(epochMs(text), Date.parse(utc));
    });
  }
  const invalid = [
    '',
    '2026',
    '2026-05-27',
    '2026-05-27T14:00:00',
    '2026-05-27 14:00:00Z',
    '2026-05-27T14:00Z',
    '2026-05-27T14:00:00.Z',
    '2026-05-27T14:00:00,5Z',
    '2026-05-27T24:00:00Z',
    '2026-05-27T14:60:00Z',
    '2026-05-27T14:00:61Z',
    '2026-05-27T14:00:60Z',
    '2016-12-31T23:59:60+01:00',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-05-27T14:00:00+24:00',
    '2026-05-27T14:00:00+01:60',
    '2026-05-27T14:00:00+0100',
    '2026-05-27T14:00:00Zjunk',
    ' 2026-05-27T14:00:00Z',
    '+002026-05-27T14:00:00Z',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    `2026-05-27T14:00:00.${'1'.repeat(60)}Z`,
    '２０26-05-27T14:00:00Z',
  ];
  for (const text of invalid) it(`refuses ${JSON.stringify(text)}`, () => assert.ok(!isTimestamp(text)));

  it('agrees with Date on every time Date can write', () => {
    const date = fc.date({ min: new Date(-62167219200000), max: new Date(253402300799999), noInvalidDate: true });
    fc.assert(fc.property(date, (at) => assert.equal(epochMs(at.toISOString()), at.getTime())));
  });
});

it('isWithinDepth counts the value itself', () => {
  assert.ok(isWithinDepth(5, 0));
  assert.ok(isWithinDepth({}, 1));
  assert.ok(!isWithinDepth({ a: {} }, 1));
  assert.ok(isWithinDepth({ a: [1] }, 2));
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.ok(!isWithinDepth(deep, 32));
});

it('isUriReference and isTraceparent', () => {
  for (const text of ['/a', 'https://x.org/a?b#c', 'urn:x:y', '%C3%A9']) assert.ok(isUriReference(text), text);
  for (const text of ['', 'a b', 'é', '%zz', 'a'.repeat(257)]) assert.ok(!isUriReference(text), text);
  assert.ok(isTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'));
  assert.ok(!isTraceparent('00-00000000000000000000000000000000-00f067aa0ba902b7-01'));
  assert.ok(!isTraceparent('ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'));
});
