/** Whether a record mentions one of some texts, told from its bytes: as its key, as a header, or as a string of its JSON. */
import type { LogRecord, RawRecord } from './event-log.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export class Mentions {
  /** As many UTF-16 units as bytes. */
  readonly #texts = new Set<string>();
  readonly #lengths = new Set<number>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) this.add(text);
  }

  add(text: string): void {
    const bytes = Buffer.from(text);
    this.#texts.add(bytes.toString('latin1'));
    this.#lengths.add(bytes.length);
  }

  /** True also where a string with an escape might be one. */
  in(record: RawRecord): boolean {
    return record.some(this.#test);
  }

  readonly #test = (bytes: Buffer, start: number, end: number, isValue: boolean): boolean =>
    isValue ? this.#isWithin(bytes, start, end) : this.#is(bytes, start, end);

  #is(bytes: Buffer, start: number, end: number): boolean {
    return this.#lengths.has(end - start) && this.#texts.has(bytes.toString('latin1', start, end));
  }

  /** What is between two quotes; of what is between strings it makes no difference. */
  #isWithin(bytes: Buffer, start: number, end: number): boolean {
    let from = start;
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === BACKSLASH) return true;
      if (byte !== QUOTE) continue;
      if (this.#is(bytes, from, at)) return true;
      from = at + 1;
    }
    return false;
  }
}

export function rawOf({ offset, timestamp, key, value, headers }: LogRecord): RawRecord {
  return {
    offset,
    timestamp,
    some: (test) =>
      (key !== null && test(key, 0, key.length, false)) ||
      (value !== null && test(value, 0, value.length, true)) ||
      headers.some(([, content]) => content !== null && test(content, 0, content.length, false)),
  };
}
