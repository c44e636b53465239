import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The most that is read of a file at once. */
const MAX_BYTES = 1024 * 1024;
const POLL_MS = 250;

/** The last lines of a file, of its last MiB at most; none where there is no file. */
export async function lastLines(file: string, count: number): Promise<string[]> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  const from = Math.max(0, size - MAX_BYTES);
  const lines = (await readPart(file, from, size)).toString('utf8').split('\n');
  if (from > 0) lines.shift();
  if (lines.at(-1) === '') lines.pop();
  return count > 0 ? lines.slice(-count) : [];
}

/** What is appended from now on, and the whole of the next file of this name (a server that starts anew begins another). */
export async function* follow(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const before = await stat(file).catch(() => undefined);
  let inode = before?.ino;
  let position = before?.size ?? 0;
  while (!signal.aborted) {
    const now = await stat(file).catch(() => undefined);
    if (now !== undefined) {
      if (now.ino !== inode || now.size < position) position = 0;
      inode = now.ino;
      const part = await readPart(file, position, Math.min(now.size, position + MAX_BYTES));
      position += part.length;
      if (part.length > 0) yield part;
      if (part.length === MAX_BYTES) continue;
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

async function readPart(file: string, from: number, to: number): Promise<Buffer> {
  if (to <= from) return Buffer.alloc(0);
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
