import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { follow, lastLines } from '../../src/cluster/log-tail.ts';

describe("the end of a server's log", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-tail-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('has the lines asked for', async () => {
    const file = join(directory, 'short.log');
    await writeFile(file, 'one\ntwo\nthree\n');
    assert.deepEqual(await lastLines(file, 2), ['two', 'three']);
    assert.deepEqual(await lastLines(file, 9), ['one', 'two', 'three']);
    assert.deepEqual(await lastLines(file, 0), []);
    assert.deepEqual(await lastLines(join(directory, 'absent.log'), 5), []);
  });

  test('of a large file begins with a whole line', async () => {
    const file = join(directory, 'large.log');
    await writeFile(file, `${'x'.repeat(99)}\n`.repeat(20_000));
    const lines = await lastLines(file, 1_000_000);
    assert.ok(lines.length > 10_000 && lines.length < 20_000);
    assert.equal(lines[0], 'x'.repeat(99));
  });

  test('is followed into the next file of that name', async () => {
    const file = join(directory, 'followed.log');
    await writeFile(file, 'before\n');
    const stop = new AbortController();
    const parts = follow(file, stop.signal);
    const next = async (): Promise<string> => String((await parts.next()).value);
    const first = next();
    // It notes where the file ends when it is first asked.
    await new Promise((resolve) => setImmediate(resolve));
    let seen = '';
    const appended = setInterval(() => appendFile(file, 'more\n'), 20);
    try {
      seen = await first;
    } finally {
      clearInterval(appended);
    }
    assert.match(seen, /^(more\n)+$/);
    await rename(file, `${file}.1`);
    await writeFile(file, 'anew\n');
    while (!seen.includes('anew')) seen = await next();
    assert.match(seen, /^anew\n$/);
    stop.abort();
    assert.equal((await parts.next()).done, true);
  });
});
