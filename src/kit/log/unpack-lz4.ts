/**
 * The LZ4 frame format, as record batches are packed with it. Our own for the reason of `unpack-snappy.ts`.
 * Source: lz4/lz4, `doc/lz4_Frame_format.md` and `doc/lz4_Block_format.md`; xxHash, `doc/xxhash_spec.md`.
 */
import { copyWithin } from './unpack-snappy.ts';

const MAGIC = 0x184d2204;
const VERSION = 1;
const UNPACKED_BLOCK = 0x8000_0000;
const CHECKSUM_BYTES = 4;
/** A run of bytes of 255, each for as many bytes of a match. */
const MAX_EXPANSION = 255;
const MIN_MATCH = 4;

interface Frame {
  readonly blocksAt: number;
  readonly maxBlockBytes: number;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
  readonly contentBytes: number | null;
}

/** One whole frame. @throws RangeError for bytes that are none, or are more than `maxBytes` when unpacked */
export function unpackLz4(bytes: Buffer, maxBytes: number): Buffer {
  const frame = readFrame(bytes);
  const [end, bound] = measure(bytes, frame);
  const out = Buffer.allocUnsafe(Math.min(bound, maxBytes));
  let to = 0;
  for (let at = frame.blocksAt; at < end; ) {
    const size = bytes.readUInt32LE(at);
    const packed = size % UNPACKED_BLOCK;
    at += 4;
    const block = bytes.subarray(at, at + packed);
    at += packed;
    if (frame.blockChecksums) {
      checkSum(block, bytes.readUInt32LE(at), 'a block');
      at += CHECKSUM_BYTES;
    }
    const limit = Math.min(out.length, to + frame.maxBlockBytes);
    if (size < UNPACKED_BLOCK) to = unpackBlock(block, out, to, limit);
    else if (packed > limit - to) throw new RangeError(`a block of ${packed} bytes`);
    else to += block.copy(out, to);
  }
  const content = out.subarray(0, to);
  if (frame.contentBytes !== null && frame.contentBytes !== to)
    throw new RangeError(`${to} bytes instead of ${frame.contentBytes}`);
  if (frame.contentChecksum) checkSum(content, bytes.readUInt32LE(end + 4), 'the content');
  return content;
}

function readFrame(bytes: Buffer): Frame {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('no LZ4 frame');
  const flags = bytes.readUInt8(4);
  const sizeCode = (bytes.readUInt8(5) >>> 4) & 7;
  const hasDictionary = (flags & 1) !== 0;
  if (flags >>> 6 !== VERSION || sizeCode < 4 || hasDictionary) throw new RangeError('an LZ4 frame of another kind');
  const hasSize = (flags & 8) !== 0;
  const checksumAt = hasSize ? 14 : 6;
  const contentBytes = hasSize ? Number(bytes.readBigUInt64LE(6)) : null;
  if (((xxh32(bytes.subarray(4, checksumAt)) >>> 8) & 0xff) !== bytes.readUInt8(checksumAt)) {
    throw new RangeError("a wrong checksum of the frame's header");
  }
  return {
    blocksAt: checksumAt + 1,
    maxBlockBytes: 2 ** (2 * sizeCode + 8),
    blockChecksums: (flags & 16) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentBytes,
  };
}

/** Where the mark of the end is, and what the blocks unpack to at most: nothing is taken on trust. */
function measure(bytes: Buffer, frame: Frame): [end: number, bound: number] {
  let bound = 0;
  let at = frame.blocksAt;
  for (let size = bytes.readUInt32LE(at); size !== 0; size = bytes.readUInt32LE(at)) {
    const packed = size % UNPACKED_BLOCK;
    bound += size < UNPACKED_BLOCK ? Math.min(frame.maxBlockBytes, packed * MAX_EXPANSION) : packed;
    at += 4 + packed + (frame.blockChecksums ? CHECKSUM_BYTES : 0);
  }
  const frameEnd = at + 4 + (frame.contentChecksum ? CHECKSUM_BYTES : 0);
  if (frameEnd !== bytes.length) throw new RangeError(`${bytes.length} bytes, of which the frame is ${frameEnd}`);
  return [at, bound];
}

function unpackBlock(block: Buffer, out: Buffer, start: number, limit: number): number {
  const end = block.length;
  let at = 0;
  let to = start;
  const more = (length: number): number => {
    let sum = length;
    for (let byte = 255; byte === 255; sum += byte) {
      if (at >= end) throw new RangeError('a length is cut short');
      byte = block[at++]!;
    }
    return sum;
  };
  while (at < end) {
    const token = block[at++]!;
    let literals = token >>> 4;
    if (literals === 15) literals = more(literals);
    if (literals > end - at || literals > limit - to) throw new RangeError(`a literal of ${literals} bytes`);
    to += block.copy(out, to, at, at + literals);
    at += literals;
    // the last sequence has no match
    if (at === end) break;
    if (at + 2 > end) throw new RangeError('a match is cut short');
    const offset = block.readUInt16LE(at);
    at += 2;
    let length = token & 15;
    if (length === 15) length = more(length);
    length += MIN_MATCH;
    if (offset === 0 || offset > to || length > limit - to) throw new RangeError(`a match of ${length} bytes`);
    to = copyWithin(out, to, offset, length);
  }
  return to;
}

function checkSum(bytes: Buffer, expected: number, what: string): void {
  if (xxh32(bytes) !== expected) throw new RangeError(`a wrong checksum of ${what}`);
}

const [PRIME1, PRIME2, PRIME3, PRIME4, PRIME5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];

/** With seed 0. */
export function xxh32(bytes: Buffer): number {
  let at = 0;
  let hash = PRIME5;
  if (bytes.length >= 16) {
    let [a, b, c, d] = [PRIME1 + PRIME2, PRIME2, 0, -PRIME1];
    for (; at + 16 <= bytes.length; at += 16) {
      a = round(a, bytes.readUInt32LE(at));
      b = round(b, bytes.readUInt32LE(at + 4));
      c = round(c, bytes.readUInt32LE(at + 8));
      d = round(d, bytes.readUInt32LE(at + 12));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash += bytes.length;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(bytes.readUInt32LE(at), PRIME3), 17), PRIME4);
  }
  for (; at < bytes.length; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, PRIME5), 11), PRIME1);
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(lane: number, input: number): number {
  return Math.imul(rotate(lane + Math.imul(input, PRIME2), 13), PRIME1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
