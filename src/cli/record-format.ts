/** How `consume` writes a record: a template with kcat's letters, or a JSON object a line. */
import { recordJson } from '../api/record-json.ts';
import { KitError } from '../kit/errors.ts';
import type { Header, LogRecord } from '../kit/log/event-log.ts';

export type RecordFormat = (record: LogRecord, out: ByteWriter) => void;

const NULL_TEXT = 'null';
const FIRST_BYTES = 64 * 1024;

/** Gathers bytes for one large write. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  bytes(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  text(text: string): void {
    // three bytes are the most that a UTF-16 unit needs
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** What was gathered; the writer begins anew with other memory. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(Math.max(FIRST_BYTES, this.#length));
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export const formatJson: RecordFormat = (record, out) => out.text(`${JSON.stringify(recordJson(record))}\n`);

const orNull =
  (of: (record: LogRecord) => Buffer | null): RecordFormat =>
  (record, out) => {
    const bytes = of(record);
    if (bytes === null) out.text(NULL_TEXT);
    else out.bytes(bytes);
  };
const value = orNull((record) => record.value);
const lengthOf = (bytes: Buffer | null): string => String(bytes?.length ?? -1);

/** Source: kcat(1), "Format string". */
const LETTERS: Readonly<Record<string, RecordFormat>> = {
  t: ({ topic }, out) => out.text(topic),
  p: ({ partition }, out) => out.text(String(partition)),
  o: ({ offset }, out) => out.text(String(offset)),
  k: orNull((record) => record.key),
  v: value,
  s: value,
  h: ({ headers }, out) => out.text(headers.map(headerText).join(',')),
  T: ({ timestamp }, out) => out.text(String(timestamp)),
  S: (record, out) => out.text(lengthOf(record.value)),
  K: (record, out) => out.text(lengthOf(record.key)),
  '%': (_, out) => out.text('%'),
};

function headerText([name, content]: Header): string {
  return `${name}=${content === null ? NULL_TEXT : content.toString()}`;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };

/**
 * A line end is added unless the template ends with one, or with \0.
 *
 * @throws KitError USAGE that names what is not known
 */
export function parseFormat(template: string): RecordFormat {
  const parts: RecordFormat[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') parts.push(fixed(text));
    text = '';
  };
  for (let at = 0; at < template.length; at += 1) {
    const char = template[at]!;
    if (char !== '%' && char !== '\\') {
      text += char;
      continue;
    }
    at += 1;
    const letter = template[at] ?? '';
    const known: Readonly<Record<string, unknown>> = char === '%' ? LETTERS : ESCAPES;
    if (!Object.hasOwn(known, letter))
      throw new KitError(
        'USAGE',
        `--format, column ${at}: ${char}${letter} is not known; there are ${Object.keys(known)
          .map((name) => `${char}${name}`)
          .join(' ')}`,
        { details: { column: at } },
      );
    if (char === '\\') text += ESCAPES[letter];
    else {
      flush();
      parts.push(LETTERS[letter]!);
    }
  }
  if (!/[\n\0]$/.test(text)) text += '\n';
  flush();
  return (record, out) => {
    for (const part of parts) part(record, out);
  };
}

function fixed(text: string): RecordFormat {
  const bytes = Buffer.from(text);
  return (_, out) => out.bytes(bytes);
}
