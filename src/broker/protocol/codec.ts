/** Reads and writes messages by their layouts: a layout and a version are put together once, then used for every message. */
import { KitError } from '../../kit/errors.ts';
import { ByteReader } from '../../kit/log/byte-reader.ts';
import { ByteWriter } from '../../kit/log/byte-writer.ts';
import type { Api, Field, Fields, RequestOf, ResponseOf } from './layout.ts';

type Read = (from: ByteReader) => unknown;
type Write = (to: ByteWriter, value: unknown) => void;

interface Codec {
  readonly read: Read;
  readonly write: Write;
}

/** Also where a compact length could say more. */
const MAX_TEXT_BYTES = 0x7fff;

const cache = new WeakMap<Fields, Codec[]>();

/**
 * What follows the message is passed over, as Kafka does: librdkafka sends three bytes too many when it asks for the
 * metadata of all topics.
 *
 * @throws KitError MALFORMED_REQUEST when the bytes end early or do not make a message
 */
export function readRequest<A extends Api>(api: A, version: number, frame: Buffer, at: number): RequestOf<A> {
  return readMessage(api.name, api.request, version, api.flexible, new ByteReader(frame, at)) as RequestOf<A>;
}

/** For whoever asks. @throws KitError MALFORMED_REQUEST, also when the bytes go on after the message */
export function readResponse<A extends Api>(api: A, version: number, frame: Buffer, at: number): unknown {
  const from = new ByteReader(frame, at);
  const message = readMessage(api.name, api.response, version, api.flexible, from);
  if (from.remaining > 0) throw malformed(api.name, version, `${from.remaining} bytes after its end`);
  return message;
}

export function writeRequest(api: Api, version: number, message: unknown, to: ByteWriter): void {
  codecOf(api.request, version, api.flexible).write(to, message);
}

export function writeResponse<A extends Api>(api: A, version: number, message: ResponseOf<A>, to: ByteWriter): void {
  codecOf(api.response, version, api.flexible).write(to, message);
}

function readMessage(name: string, fields: Fields, version: number, flexible: number, from: ByteReader): unknown {
  try {
    return codecOf(fields, version, flexible).read(from);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw malformed(name, version, cause.message, cause);
  }
}

function malformed(name: string, version: number, how: string, cause?: unknown): KitError {
  return new KitError('MALFORMED_REQUEST', `Not a ${name} message of version ${version}: ${how}.`, { cause });
}

function codecOf(fields: Fields, version: number, flexible: number): Codec {
  let versions = cache.get(fields);
  if (versions === undefined) {
    versions = [];
    cache.set(fields, versions);
  }
  versions[version] ??= structCodec(fields, version, version >= flexible);
  return versions[version];
}

interface Part extends Codec {
  readonly name: string;
  readonly absent: unknown;
  readonly tag: number | null;
}

function structCodec(fields: Fields, version: number, flexible: boolean): Codec {
  const parts = Object.entries(fields).map(([name, field]): Part & { present: boolean } => ({
    name,
    absent: field.default,
    tag: field.tag,
    present: version >= field.since && version <= field.until,
    ...fieldCodec(field, version, flexible),
  }));
  const inline = parts.filter(({ present, tag }) => present && tag === null);
  const tagged = parts.filter(({ present, tag }) => present && tag !== null).sort((a, b) => a.tag! - b.tag!);
  const absent = parts.filter(({ present, tag }) => !present || tag !== null);
  return {
    read(from) {
      const message: Record<string, unknown> = {};
      for (const { name, read } of inline) message[name] = read(from);
      for (const part of absent) message[part.name] = part.absent;
      if (flexible) readTags(from, tagged, message);
      return message;
    },
    write(to, value) {
      const message = value as Record<string, unknown>;
      for (const { name, write, absent } of inline) {
        const given = message[name];
        write(to, given === undefined ? absent : given);
      }
      if (flexible) writeTags(to, tagged, message);
    },
  };
}

/** Tags that are not known are passed over, as KIP-482 asks. */
function readTags(from: ByteReader, tagged: readonly Part[], message: Record<string, unknown>): void {
  for (let count = from.unsignedVarint(); count > 0; count--) {
    const tag = from.unsignedVarint();
    const value = from.slice(from.unsignedVarint());
    const part = tagged.find((each) => each.tag === tag);
    if (part !== undefined) message[part.name] = part.read(new ByteReader(value));
  }
}

function writeTags(to: ByteWriter, tagged: readonly Part[], message: Record<string, unknown>): void {
  const given = tagged.filter(({ name, absent }) => message[name] !== undefined && !isSame(message[name], absent));
  to.unsignedVarint(given.length);
  for (const { name, tag, write } of given) {
    const value = new ByteWriter();
    write(value, message[name]);
    to.unsignedVarint(tag!);
    to.unsignedVarint(value.length);
    for (const piece of value.pieces()) to.bytes(piece);
  }
}

function isSame(value: unknown, absent: unknown): boolean {
  if (value === absent) return true;
  if (Array.isArray(value) && Array.isArray(absent)) return value.length === 0 && absent.length === 0;
  if (typeof value !== 'object' || typeof absent !== 'object' || value === null || absent === null) return false;
  return Object.entries(value).every(([name, each]) => isSame(each, (absent as Record<string, unknown>)[name]));
}

function fieldCodec(field: Field, version: number, flexible: boolean): Codec {
  const nullable = version >= field.nullableSince;
  if (field.type === 'array') {
    const element =
      field.fields === null
        ? scalarCodec(field.element!, false, flexible)
        : structCodec(field.fields, version, flexible);
    return arrayCodec(element, nullable, flexible);
  }
  if (field.type === 'struct') return nullableStruct(structCodec(field.fields!, version, flexible), nullable);
  return scalarCodec(field.type, nullable, flexible);
}

/** One more than the length, 0 for null: or the length, -1 for null. */
function readLength(from: ByteReader, flexible: boolean, bits16: boolean, nullable: boolean): number {
  const length = flexible ? from.unsignedVarint() - 1 : bits16 ? from.int16() : from.int32();
  if (length < -1 || (length === -1 && !nullable)) throw new RangeError(`a length of ${length}`);
  return length;
}

function writeLength(to: ByteWriter, length: number, flexible: boolean, bits16: boolean): void {
  if (flexible) to.unsignedVarint(length + 1);
  else if (bits16) to.int16(length);
  else to.int32(length);
}

/** What is no UTF-8 grows when it is read, and must fit when it is written. */
function readText(from: ByteReader, length: number): string {
  const text = from.text(length);
  const isTooLong = length > MAX_TEXT_BYTES / 3 && Buffer.byteLength(text) > MAX_TEXT_BYTES;
  if (isTooLong) throw new RangeError(`a text of ${length} bytes`);
  return text;
}

function arrayCodec(element: Codec, nullable: boolean, flexible: boolean): Codec {
  return {
    read(from) {
      const length = readLength(from, flexible, false, nullable);
      if (length === -1) return null;
      from.expectElements(length);
      const elements: unknown[] = [];
      for (let i = 0; i < length; i++) elements.push(element.read(from));
      return elements;
    },
    write(to, value) {
      const elements = value as readonly unknown[] | null;
      writeLength(to, elements === null ? -1 : elements.length, flexible, false);
      for (const each of elements ?? []) element.write(to, each);
    },
  };
}

function nullableStruct(codec: Codec, nullable: boolean): Codec {
  if (!nullable) return codec;
  return {
    read: (from) => (from.int8() < 0 ? null : codec.read(from)),
    write(to, value) {
      to.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(to, value);
    },
  };
}

function scalarCodec(type: Exclude<Field['type'], 'array' | 'struct'>, nullable: boolean, flexible: boolean): Codec {
  switch (type) {
    case 'bool':
      return { read: (from) => from.int8() !== 0, write: (to, value) => to.int8(value ? 1 : 0) };
    case 'string':
      return {
        read(from) {
          const length = readLength(from, flexible, true, nullable);
          return length === -1 ? null : readText(from, length);
        },
        write(to, value) {
          const text = value === null ? null : Buffer.from(value as string);
          writeLength(to, text === null ? -1 : text.length, flexible, true);
          if (text !== null) to.bytes(text);
        },
      };
    case 'bytes':
      return {
        read(from) {
          const length = readLength(from, flexible, false, nullable);
          return length === -1 ? null : from.slice(length);
        },
        write(to, value) {
          const bytes = value as Buffer | null;
          writeLength(to, bytes === null ? -1 : bytes.length, flexible, false);
          if (bytes !== null) to.bytes(bytes);
        },
      };
    case 'records':
      return {
        read(from) {
          const length = readLength(from, flexible, false, nullable);
          return length === -1 ? null : length === 0 ? [] : [from.slice(length)];
        },
        write(to, value) {
          const batches = value as readonly Buffer[] | null;
          const length = batches === null ? -1 : batches.reduce((sum, { length }) => sum + length, 0);
          writeLength(to, length, flexible, false);
          for (const batch of batches ?? []) to.bytes(batch);
        },
      };
    case 'uuid':
      return { read: (from) => from.uuid(), write: (to, value) => to.uuid(value as string) };
    default:
      return { read: (from) => from[type](), write: (to, value) => to[type](value as number) };
  }
}
