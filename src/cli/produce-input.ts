/** What `produce` reads: lines of a stream or of a prompt, and the record that each of them is. */
import { createInterface } from 'node:readline';
import { KitError } from '../kit/errors.ts';

export interface InputLine {
  /** From 1. */
  readonly number: number;
  /** Without its end (\n or \r\n); null where it is longer than may be held. */
  readonly bytes: Buffer | null;
}

const LF = 10;
const CR = 13;

/** Lines in the portions that they came in; never more than one line of `maxBytes` is held. */
export async function* linesOf(input: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<InputLine[]> {
  let number = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  const line = (end: Buffer): InputLine => {
    number += 1;
    const bytes = rest.length === 0 ? end : Buffer.concat([...rest, end]);
    const length = restBytes + end.length;
    rest = [];
    restBytes = 0;
    const content = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    return { number, bytes: length > maxBytes + 1 || content.length > maxBytes ? null : content };
  };
  for await (const chunk of input) {
    const lines: InputLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      lines.push(line(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      const tail = chunk.subarray(start);
      restBytes += tail.length;
      if (restBytes <= maxBytes + 1) rest.push(tail);
    }
    if (lines.length > 0) yield lines;
  }
  if (restBytes > 0) yield [line(Buffer.alloc(0))];
}

/** Lines that somebody types; Ctrl-D ends them, and so does the signal. */
export async function* typedLines(signal: AbortSignal): AsyncGenerator<InputLine[]> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr, prompt: '> ' });
  const close = () => prompt.close();
  // the terminal is in raw mode: Ctrl-C comes as a key, not as a signal
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  signal.addEventListener('abort', close, { once: true });
  let number = 0;
  try {
    prompt.prompt();
    for await (const text of prompt) {
      number += 1;
      yield [{ number, bytes: Buffer.from(text) }];
      prompt.prompt();
    }
  } finally {
    signal.removeEventListener('abort', close);
    prompt.close();
    // the last prompt is not answered
    process.stderr.write('\n');
  }
}

export interface LineFormat {
  /** Between key and value; null: the whole line is the value, and there is no key. */
  readonly keySeparator: Buffer | null;
  /** A value of exactly these bytes is null, which deletes the key from a compacted topic. */
  readonly nullValue: Buffer | null;
  readonly maxBytes: number;
}

/** @throws KitError INVALID_LINE */
export function recordOfLine(
  { bytes }: InputLine,
  { keySeparator, nullValue, maxBytes }: LineFormat,
): { key: Buffer | null; value: Buffer | null } {
  if (bytes === null) throw new KitError('INVALID_LINE', `it is longer than ${maxBytes} bytes (--max-record-bytes)`);
  const at = keySeparator === null ? -1 : bytes.indexOf(keySeparator);
  if (keySeparator !== null && at < 0)
    throw new KitError('INVALID_LINE', `there is no ${JSON.stringify(keySeparator.toString())} between key and value`);
  const key = keySeparator === null ? null : bytes.subarray(0, at);
  const value = keySeparator === null ? bytes : bytes.subarray(at + keySeparator.length);
  return { key, value: nullValue?.equals(value) ? null : value };
}
