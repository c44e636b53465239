import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type InputLine, linesOf, recordOfLine } from '../../src/cli/produce-input.ts';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(bytes: Buffer, sizes: readonly number[], maxBytes = 1_000_000): Promise<InputLine[]> {
  const lines: InputLine[] = [];
  for await (const some of linesOf(inPieces(bytes, sizes), maxBytes)) lines.push(...some);
  return lines;
}

const line = (text: string): InputLine => ({ number: 1, bytes: Buffer.from(text) });
const format = { keySeparator: Buffer.from(':'), nullValue: Buffer.from('NULL'), maxBytes: 10 };

describe('lines of the input', () => {
  it('are the same in whatever pieces they come', async () => {
    const content = fc.array(fc.constantFrom('', 'a', 'two words', 'ключ', 'x'.repeat(300)), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        async (texts, crlf, open, sizes) => {
          const end = crlf ? '\r\n' : '\n';
          // without its end, an empty last line is none
          const isOpen = open && texts.at(-1) !== '';
          const all = Buffer.from(texts.join(end) + (isOpen || texts.length === 0 ? '' : end));
          const lines = await read(all, sizes);
          assert.deepEqual(
            lines.map(({ bytes }) => bytes!.toString()),
            texts,
          );
          assert.deepEqual(
            lines.map(({ number }) => number),
            texts.map((_, index) => index + 1),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('that are too long are told of by number, without their bytes, and the next ones go on', async () => {
    const input = Buffer.from(`${'a'.repeat(10)}\n${'b'.repeat(11)}\n${'c'.repeat(5_000)}\r\nd\n${'e'.repeat(10)}\r\n`);
    for (const sizes of [[1], [7], [64 * 1024]]) {
      const lines = await read(input, sizes, 10);
      assert.deepEqual(
        lines.map(({ bytes }) => bytes?.toString() ?? null),
        ['a'.repeat(10), null, null, 'd', 'e'.repeat(10)],
      );
    }
  });
});

describe('the record of a line', () => {
  it('is key and value at the first separator, with null where it is said', () => {
    const of = (text: string) => {
      const { key, value } = recordOfLine(line(text), format);
      return [key?.toString() ?? null, value?.toString() ?? null];
    };
    assert.deepEqual(of('k:v:w'), ['k', 'v:w']);
    assert.deepEqual(of(':v'), ['', 'v']);
    assert.deepEqual(of('k:'), ['k', '']);
    assert.deepEqual(of('k:NULL'), ['k', null]);
    const keyless = recordOfLine(line('k:v'), { ...format, keySeparator: null });
    assert.deepEqual([keyless.key, keyless.value!.toString()], [null, 'k:v']);
  });

  it('is refused without a separator, and beyond the bound', () => {
    assert.throws(() => recordOfLine(line('kv'), format), {
      code: 'INVALID_LINE',
      message: /no ":" between key and value/,
    });
    assert.throws(() => recordOfLine({ number: 1, bytes: null }, format), {
      code: 'INVALID_LINE',
      message: /longer than 10 bytes/,
    });
  });
});
