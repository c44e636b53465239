import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { cacheDirectory } from '../../../src/config/cache-directory.ts';
import { compileShim } from '../../../src/drills/faults/power-loss/compile-shim.ts';
import { UnsyncedWrites } from '../../../src/drills/faults/power-loss/unsynced-writes.ts';
import { missing } from '../../support/requirements.ts';

/** Runs a scenario of `writer.ts`, kills it and loses the power. */
async function run(t: TestContext, scenario: string, { ignoreSync = false } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'power-loss-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const directory = join(root, 'data');
  mkdirSync(directory);
  const library = await compileShim(cacheDirectory());
  const unsynced = new UnsyncedWrites({ library, directory, journals: join(root, 'journals'), ignoreSync });
  const child = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), scenario, directory], {
    env: { ...process.env, ...unsynced.env() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL');
  return { directory, lost: unsynced.losePower(), text: (name: string) => readFileSync(join(directory, name), 'utf8') };
}

function rowsIn(directory: string): number {
  const db = new DatabaseSync(join(directory, 'rows.db'));
  try {
    assert.equal(db.prepare('PRAGMA integrity_check').get()!.integrity_check, 'ok');
    return Number(db.prepare('SELECT count(*) AS rows FROM rows').get()!.rows);
  } finally {
    db.close();
  }
}

describe('what was written and not fsynced is lost', { skip: missing('cc') ?? false }, () => {
  test('files: contents, ends, new ones', async (t) => {
    const { directory, lost, text } = await run(t, 'files');
    assert.equal(text('overwritten'), 'old content, synced');
    assert.equal(text('appended'), 'synced');
    assert.equal(text('cut'), 'this is long');
    assert.equal(text('synced-twice'), 'one two');
    assert.equal(text('truncated'), 'what it was');
    assert.equal(text('from-the-pool'), 'several parts');
    assert.ok(!existsSync(join(directory, 'never-synced')));
    assert.ok(!existsSync(join(directory, 'folder/replaced')), 'a rename does not make its file durable');
    assert.ok(lost.droppedBytes > 0);
    assert.equal(lost.droppedBytes, lost.unsyncedBytes);
  });

  test('SQLite with synchronous=FULL keeps every commit', async (t) => {
    const { directory } = await run(t, 'sqlite-full');
    assert.equal(rowsIn(directory), 100);
  });

  test('SQLite with synchronous=OFF loses them: its writes do go through the shim', async (t) => {
    const { directory, lost } = await run(t, 'sqlite-off');
    assert.equal(rowsIn(directory), 0);
    assert.ok(lost.droppedBytes >= 100 * 4096, `${lost.droppedBytes} bytes dropped`);
  });

  test('on a disk that lies about fsync everything is lost', async (t) => {
    const { directory } = await run(t, 'sqlite-full', { ignoreSync: true });
    assert.ok(!existsSync(join(directory, 'rows.db')));
  });
});
