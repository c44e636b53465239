/**
 * Snappy, as record batches are packed with it: raw, or in the chunks of Java's `SnappyOutputStream`. Our own because the
 * library's decoder keeps the memory in which it came upon damaged bytes, for good
 * (`docs/decisions/own-decoders-of-snappy-and-lz4.md`). Source: google/snappy, `format_description.txt`; xerial/snappy-java.
 */
const CHUNKED = Buffer.from('82534e4150505900', 'hex');
const CHUNKS_AT = 16;
/** Of a copy of two bytes' offset, the densest element: 64 bytes out of 3. */
const MAX_EXPANSION = 64 / 3;

/** @throws RangeError for bytes that are not Snappy, or are more than `maxBytes` when unpacked */
export function unpackSnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, CHUNKED.length).equals(CHUNKED)) return unpackBlock(bytes, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = CHUNKS_AT; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    at += 4;
    if (length > bytes.length - at) throw new RangeError(`a chunk of ${length} bytes`);
    const block = unpackBlock(bytes.subarray(at, at + length), left);
    left -= block.length;
    blocks.push(block);
    at += length;
  }
  return Buffer.concat(blocks);
}

function unpackBlock(bytes: Buffer, maxBytes: number): Buffer {
  const [size, start] = readSize(bytes);
  if (size > maxBytes) throw new RangeError(`${size} bytes where ${maxBytes} are the limit`);
  // so that a size that lies costs no memory
  if (size > bytes.length * MAX_EXPANSION) throw new RangeError(`${size} bytes cannot come of ${bytes.length}`);
  const out = Buffer.allocUnsafe(size);
  const end = bytes.length;
  let at = start;
  let to = 0;
  while (at < end) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      const sizeBytes = length - 60;
      if (sizeBytes > 0) {
        if (at + sizeBytes > end) throw new RangeError('a literal is cut short');
        length = bytes.readUIntLE(at, sizeBytes) + 1;
        at += sizeBytes;
      }
      if (length > end - at || length > size - to) throw new RangeError(`a literal of ${length} bytes`);
      bytes.copy(out, to, at, at + length);
      at += length;
      to += length;
      continue;
    }
    let offset: number;
    const offsetBytes = kind === 3 ? 4 : kind;
    if (at + offsetBytes > end) throw new RangeError('a copy is cut short');
    if (kind === 1) {
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | bytes[at]!;
    } else {
      offset = bytes.readUIntLE(at, offsetBytes);
    }
    at += offsetBytes;
    if (offset === 0 || offset > to || length > size - to) throw new RangeError(`a copy of ${length} bytes`);
    to = copyWithin(out, to, offset, length);
  }
  if (to !== size) throw new RangeError(`${to} bytes instead of ${size}`);
  return out;
}

function readSize(bytes: Buffer): [size: number, at: number] {
  let size = 0;
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    const byte = bytes[at]!;
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return [size, at + 1];
  }
  throw new RangeError('its size is cut short');
}

/** What lies `offset` before `to`, once more; where the two overlap, it repeats. Answers where it ends. */
export function copyWithin(out: Buffer, to: number, offset: number, length: number): number {
  const end = to + length;
  if (offset >= length && length > 32) out.copyWithin(to, to - offset, to - offset + length);
  else for (let at = to; at < end; at++) out[at] = out[at - offset]!;
  return end;
}
