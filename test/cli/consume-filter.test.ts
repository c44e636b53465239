import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseFilter } from '../../src/cli/consume-filter.ts';
import { KitError } from '../../src/kit/errors.ts';
import type { LogRecord } from '../../src/kit/log/event-log.ts';

function record(
  fields: { key?: string | null; value?: string | null; headers?: Record<string, string> } = {},
): LogRecord {
  const {
    key = 'k1',
    value = '{"user_id":"u_1","total":120,"tags":["a","b"],"ok":true,"none":null}',
    headers = {},
  } = fields;
  return {
    topic: 'orders',
    partition: 2,
    offset: 40,
    timestamp: Date.parse('2026-05-27T14:00:00Z'),
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
  };
}

describe('consume --filter', () => {
  const holds: [expression: string, expected: boolean][] = [
    ['key == "k1"', true],
    ["key == 'k1'", true],
    ['key != "k1"', false],
    ['topic == "orders" && partition == 2', true],
    ['offset >= 40 && offset < 41', true],
    ['value.user_id == "u_1"', true],
    ['value.total > 99.5', true],
    ['value["total"] <= 119', false],
    ['value.tags[1] == "b"', true],
    ['value.tags[2] == null', true],
    ['value.tags[2] == "b"', false],
    ['value.ok', true],
    ['value.none', false],
    ['!value.missing.deeper', true],
    ['value.toString == null', true],
    ['value.__proto__ == null', true],
    ['value =~ "user_id"', true],
    ['value =~ "nobody"', false],
    ['timestamp >= "2026-05-27T14:00:00Z"', true],
    ['"2026-05-27T16:00:01+02:00" <= timestamp', false],
    ['timestamp < "-1ms" || timestamp > "-1ms"', true],
    ['header("source") == null', true],
    ['false || key == "no" || (partition == 2 && !(offset == 41))', true],
    ['key == "k1" || key == "x" && key == "y"', true],
    ['(key == "k1" || key == "x") && key == "y"', false],
  ];
  for (const [expression, expected] of holds)
    it(`${expression} is ${expected}`, () => assert.equal(parseFilter(expression)(record()), expected));

  it('takes text that is a number for the number, as keys and headers are always text', () => {
    const numbered = record({ key: '7', value: '12', headers: { attempt: '3' } });
    assert.ok(parseFilter('key == 7 && value < 100 && header("attempt") >= 3')(numbered));
    assert.ok(!parseFilter('key < 100')(record({ key: 'seven' })));
  });

  it('passes over what is no JSON, null or empty', () => {
    for (const value of ['not json', '', '{', null]) {
      assert.ok(!parseFilter('value.user_id == "u_1"')(record({ value })));
      assert.ok(parseFilter('value.user_id == null')(record({ value })));
    }
    assert.ok(parseFilter('key == null && value == null')(record({ key: null, value: null })));
  });

  const wrong: [expression: string, column: number, why: RegExp][] = [
    ['', 1, /a field or a value is missing/],
    ['key ==', 7, /a field or a value is missing/],
    ['key == "k', 8, /no closing quote/],
    ['kye == "k"', 1, /no field is named kye; there are key,/],
    ['key = "k"', 5, /"=" is not understood/],
    ['(key == "k"', 12, /"\)" is missing/],
    ['key == "a" key', 12, /"key" is one too many/],
    ['topic.name == 1', 6, /topic has no parts/],
    ['header(x)', 8, /written in quotes/],
    ['timestamp > "yesterday"', 13, /a time is written like/],
    ['value.a == 1 && constructor', 17, /no field is named constructor/],
    [`${'('.repeat(65)}key${')'.repeat(65)}`, 65, /more than 64 levels/],
  ];
  for (const [expression, column, why] of wrong)
    it(`points at column ${column} of ${expression.slice(0, 30) || 'nothing'}`, () => {
      assert.throws(
        () => parseFilter(expression),
        (error) => {
          assert.ok(error instanceof KitError && error.code === 'USAGE');
          assert.equal(error.details.column, column);
          assert.match(error.message, why);
          assert.equal(error.message.split('\n').at(-1), `  ${' '.repeat(column - 1)}^`);
          return true;
        },
      );
    });

  it('refuses an expression that is too long', () => {
    assert.throws(() => parseFilter(`key == "${'x'.repeat(5_000)}"`), { code: 'USAGE' });
  });

  it('answers every text with a filter or with a column, and never throws at a record', () => {
    const words = [
      'key',
      'value.a',
      'header("x")',
      '==',
      '!=',
      '=~',
      '<',
      '&&',
      '||',
      '!',
      '(',
      ')',
      '"t"',
      '7',
      'null',
      '[0]',
      '"',
    ];
    const texts = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(' ')),
    );
    fc.assert(
      fc.property(texts, fc.option(fc.string()), (text, value) => {
        try {
          const filter = parseFilter(text);
          assert.equal(typeof filter(record({ value })), 'boolean');
        } catch (error) {
          assert.ok(error instanceof KitError && error.code === 'USAGE', String(error));
          const column = error.details.column as number;
          assert.ok(column >= 1 && column <= text.length + 1);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  /** An expression of comparisons with numbers, and what it is for a record, computed apart. */
  interface Drawn {
    readonly text: string;
    readonly expected: boolean;
  }
  const OPERATORS: Record<string, (a: number, b: number) => boolean> = {
    '==': (a, b) => a === b,
    '!=': (a, b) => a !== b,
    '<': (a, b) => a < b,
    '<=': (a, b) => a <= b,
    '>': (a, b) => a > b,
    '>=': (a, b) => a >= b,
  };
  const FIELD: Record<string, number> = { partition: 2, offset: 40, 'value.total': 120 };
  const comparison = fc
    .tuple(
      fc.constantFrom(...Object.keys(FIELD)),
      fc.constantFrom(...Object.keys(OPERATORS)),
      fc.constantFrom(2, 40, 120, -1),
    )
    .map(([field, operator, number]): Drawn => {
      return { text: `${field} ${operator} ${number}`, expected: OPERATORS[operator]!(FIELD[field]!, number) };
    });
  const { drawn } = fc.letrec<{ drawn: Drawn }>((tie) => ({
    drawn: fc.oneof(
      { maxDepth: 5 },
      comparison,
      tie('drawn').map(({ text, expected }) => ({ text: `!(${text})`, expected: !expected })),
      fc.tuple(tie('drawn'), tie('drawn')).map(([a, b]) => ({
        text: `(${a.text}) && (${b.text})`,
        expected: a.expected && b.expected,
      })),
      fc.tuple(comparison, comparison, comparison).map(([a, b, c]) => ({
        text: `${a.text} || ${b.text} && ${c.text}`,
        expected: a.expected || (b.expected && c.expected),
      })),
    ),
  }));

  it('agrees with the same expression computed apart', () => {
    fc.assert(
      fc.property(drawn, ({ text, expected }) => {
        // 64 levels are the bound; what is drawn stays far below
        assert.equal(parseFilter(text)(record()), expected, text);
      }),
      { numRuns: 500 },
    );
  });
});
