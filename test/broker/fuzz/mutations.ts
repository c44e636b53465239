/** Ways to spoil a request: its bytes, or the values of its fields, which then get further. */
import type { Api, Field, Fields } from '../../../src/broker/protocol/layout.ts';
import type { Random } from '../../simulation/random.ts';
import type { Message } from '../support/world.ts';

type Spoil = (random: Random, frame: Buffer) => Buffer;

const [INT16_EXTREMES, INT32_EXTREMES] = [
  [-32_768, -2, -1, 0, 1, 32_767],
  [-2_147_483_648, -2, -1, 0, 1, 65_536, 100_000, 500_000, 2_147_483_647],
];
const OVERLONG_VARINTS = [
  'ffffffff0f',
  'ffffffffff01',
  '8080808000',
  '80808080808080808000',
  'ffffffffffffffffff01',
  '00',
];

function random(chance: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.between(0, 255)));
}

function cut(chance: Random, frame: Buffer): [from: number, to: number] {
  const from = chance.between(0, frame.length);
  return [from, Math.min(frame.length, from + chance.skewed(1, 64))];
}

/** Frames have no length before them. */
const SPOILS: Readonly<Record<string, Spoil>> = {
  flipBits(chance, frame) {
    for (let flips = chance.skewed(1, 8); flips > 0; flips--) {
      frame[chance.between(0, frame.length - 1)]! ^= 1 << chance.between(0, 7);
    }
    return frame;
  },
  overwrite(chance, frame) {
    const [from, to] = cut(chance, frame);
    random(chance, to - from).copy(frame, from);
    return frame;
  },
  truncate: (chance, frame) => frame.subarray(0, chance.between(0, frame.length)),
  extend: (chance, frame) => Buffer.concat([frame, random(chance, chance.skewed(1, 300))]),
  int32(chance, frame) {
    if (frame.length >= 4) frame.writeInt32BE(chance.pick(INT32_EXTREMES), chance.between(0, frame.length - 4));
    return frame;
  },
  int16(chance, frame) {
    if (frame.length >= 2) frame.writeInt16BE(chance.pick(INT16_EXTREMES), chance.between(0, frame.length - 2));
    return frame;
  },
  varint(chance, frame) {
    const at = chance.between(0, frame.length);
    const replaced = chance.between(0, 1);
    const varint = Buffer.from(chance.pick(OVERLONG_VARINTS), 'hex');
    return Buffer.concat([frame.subarray(0, at), varint, frame.subarray(at + replaced)]);
  },
  repeat(chance, frame) {
    const [from, to] = cut(chance, frame);
    const piece = frame.subarray(from, to);
    const times = chance.skewed(1, 40);
    return Buffer.concat([frame.subarray(0, to), ...Array.from({ length: times }, () => piece), frame.subarray(to)]);
  },
  remove(chance, frame) {
    const [from, to] = cut(chance, frame);
    return Buffer.concat([frame.subarray(0, from), frame.subarray(to)]);
  },
  version(chance, frame) {
    if (frame.length >= 4) frame.writeInt16BE(chance.between(-1, 20), 2);
    return frame;
  },
  apiKey(chance, frame) {
    if (frame.length >= 2) frame.writeInt16BE(chance.between(-1, 95), 0);
    return frame;
  },
  garbage: (chance) => random(chance, chance.skewed(0, 500)),
};

const NAMES = Object.keys(SPOILS);

/** Spoils a copy, mostly once. */
export function spoil(chance: Random, frame: Buffer): Buffer {
  let spoilt: Buffer = Buffer.from(frame);
  do {
    const name = chance.pick(NAMES);
    if (spoilt.length > 0 || name === 'garbage') spoilt = SPOILS[name]!(chance, spoilt);
  } while (chance.chance(0.25));
  return spoilt;
}

/** The length that is sent before a frame: now and then not its own. */
export function spoiltLength(chance: Random, length: number): number {
  return chance.pick([length + chance.skewed(1, 1_000), Math.max(0, length - 1), 0, -1, 7, 2_147_483_647, 104_857_600]);
}

/** Pieces that may be cut anywhere. */
export function inPieces(chance: Random, bytes: Buffer): Buffer[] {
  if (chance.chance(0.7)) return [bytes];
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + chance.skewed(1, bytes.length));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

const EXTREMES: Readonly<Record<string, (chance: Random) => unknown>> = {
  bool: (chance) => chance.chance(0.5),
  int8: (chance) => chance.pick([-128, -1, 0, 1, 2, 3, 127]),
  int16: (chance) => chance.pick(INT16_EXTREMES),
  uint16: (chance) => chance.between(0, 65_535),
  int32: (chance) => chance.pick(INT32_EXTREMES),
  int64: (chance) =>
    chance.pick([-(2 ** 63), -(2 ** 53), -2, -1, 0, 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 62, 2 ** 63]),
  float64: (chance) => chance.pick([Number.NaN, Number.POSITIVE_INFINITY, -1, 0]),
  string: (chance) =>
    chance.pick([
      '',
      '.',
      'x'.repeat(250),
      'x'.repeat(32_767),
      'ü'.repeat(16_383),
      'a\0b',
      '__proto__',
      'constructor',
      '%s',
    ]),
  uuid: (chance) => random(chance, 16).toString('base64url'),
  bytes: (chance) => random(chance, chance.skewed(0, 2_000)),
};

/** Some field of the message, at whatever depth, with a value that its type can have. What nobody asked for goes unnoticed. */
export function spoilField(chance: Random, api: Api, version: number, message: Message): Message {
  return spoilOne(chance, api.request, version, message);
}

function spoilOne(chance: Random, fields: Fields, version: number, message: Message): Message {
  const present = Object.entries(fields).filter(
    ([, { since, until, type }]) => version >= since && version <= until && type !== 'records',
  );
  if (present.length === 0) return message;
  const [name, field] = chance.pick(present);
  return { ...message, [name]: spoilValue(chance, field, version, message[name] ?? field.default) };
}

function spoilValue(chance: Random, field: Field, version: number, value: unknown): unknown {
  if (version >= field.nullableSince && chance.chance(0.15)) return null;
  if (field.type === 'struct') return spoilOne(chance, field.fields!, version, (value ?? {}) as Message);
  if (field.type !== 'array') return EXTREMES[field.type]!(chance);
  const elements = [...((value ?? []) as unknown[])];
  if (elements.length === 0 || chance.chance(0.1)) return [];
  if (chance.chance(0.15)) return manyTimes(chance, elements);
  const at = chance.between(0, elements.length - 1);
  elements[at] =
    field.fields === null
      ? EXTREMES[field.element!]!(chance)
      : spoilOne(chance, field.fields, version, elements[at] as Message);
  return elements;
}

function manyTimes(chance: Random, elements: readonly unknown[]): unknown[] {
  const times = chance.chance(0.02) ? 3_000 : chance.skewed(2, 40);
  return Array.from({ length: times }, () => elements).flat();
}
