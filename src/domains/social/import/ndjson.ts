/** Newline-delimited JSON from a stream of bytes, gzip or not. A bad line is an answer with its number, never an exception. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KitError } from '../../../kit/errors.ts';

export type ImportLine =
  | { readonly line: number; readonly ok: true; readonly input: Readonly<Record<string, unknown>> }
  /** `raw`: the line's bytes, or the first `maxLineBytes` of one that is too long. */
  | { readonly line: number; readonly ok: false; readonly reason: string; readonly raw: Buffer };

export interface NdjsonOptions {
  /** Default 65,536: what an event may have over HTTP. */
  readonly maxLineBytes?: number;
}

interface Line {
  readonly number: number;
  readonly bytes: Buffer;
  readonly isTooLong: boolean;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Lines count from 1; blank ones are passed over. Memory: one line and one chunk of the stream.
 *
 * @throws KitError UNREADABLE_INPUT where gzip data is damaged or ends too early (`details.line`: the last line read)
 */
export async function* readNdjson(
  source: AsyncIterable<Uint8Array>,
  { maxLineBytes = 65_536 }: NdjsonOptions = {},
): AsyncGenerator<ImportLine> {
  for await (const line of splitLines(await decompressed(source), maxLineBytes)) {
    const parsed = parseLine(line, maxLineBytes);
    if (parsed !== null) yield parsed;
  }
}

function parseLine({ number: line, bytes, isTooLong }: Line, maxLineBytes: number): ImportLine | null {
  const refuse = (reason: string): ImportLine => ({ line, ok: false, reason, raw: Buffer.from(bytes) });
  if (isTooLong) return refuse(`the line is longer than ${maxLineBytes} bytes`);
  const text = bytes.toString('utf8').trim();
  if (text === '') return null;
  if (!isUtf8(bytes)) return refuse('the line is not UTF-8');
  try {
    const input: unknown = JSON.parse(text);
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return refuse('the line is not a JSON object');
    return { line, ok: true, input: input as Record<string, unknown> };
  } catch (error) {
    return refuse(`the line is not JSON: ${(error as SyntaxError).message}`);
  }
}

/** Told by content, because names and content types lie. */
async function decompressed(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = rejoin(head, chunks);
  if (!head.subarray(0, 2).equals(GZIP_MAGIC)) return whole;
  const gunzip = createGunzip();
  // Errors reach the reader through `gunzip` itself; the callback keeps them from being thrown twice.
  return pipeline(Readable.from(whole), gunzip, () => {});
}

async function* rejoin(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Holds at most `maxLineBytes` (and one chunk), however long a line is. */
async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let lineBytes = 0;

  function hold(bytes: Buffer): void {
    lineBytes += bytes.length;
    // One more than allowed: it may be a carriage return.
    const room = bytes.subarray(0, maxLineBytes + 1 - heldBytes);
    if (room.length > 0) held.push(room);
    heldBytes += room.length;
  }
  function take(): Line {
    let bytes = held.length === 1 ? held[0]! : Buffer.concat(held);
    const isWhole = lineBytes === bytes.length;
    if (isWhole && bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    number++;
    if (number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3);
    held = [];
    heldBytes = 0;
    lineBytes = 0;
    return { number, bytes: bytes.subarray(0, maxLineBytes), isTooLong: !isWhole || bytes.length > maxLineBytes };
  }

  try {
    for await (const bytes of chunks) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let from = 0;
      for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
        hold(chunk.subarray(from, to));
        from = to + 1;
        yield take();
      }
      hold(chunk.subarray(from));
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new KitError(
      'UNREADABLE_INPUT',
      `the gzip data is damaged or cut short after line ${number}: ${error.message}`,
      {
        cause: error,
        details: { line: number },
      },
    );
  }
  if (lineBytes > 0) yield take();
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
