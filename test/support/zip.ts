/** Reads entries of a zip file, which a jar is. Source: PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16. */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;

/** Whole contents by name, of the entries whose name passes. */
export function readZip(file: string, wanted: (name: string) => boolean): Map<string, Buffer> {
  const zip = readFileSync(file);
  let end = zip.length - END_BYTES;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error(`${file} is not a zip file`);
  const found = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes!);
    at += 46 + nameBytes! + extraBytes! + commentBytes!;
    if (!wanted(name)) continue;
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(begin, begin + size);
    found.set(name, method === 0 ? bytes : inflateRawSync(bytes));
  }
  return found;
}
