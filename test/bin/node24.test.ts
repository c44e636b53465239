import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { cacheFolder, isRecent, matchesLockFile } from '../../bin/node24.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'streamsocial-bin-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const library = join(import.meta.dirname, '../../bin/node24.mjs');

/** Runs a module on the text's behalf, with `bin/node24.mjs` imported as `lib`. */
function program(text: string, args: string[] = []) {
  const file = join(scratch, `program-${readdirSync(scratch).length}.mjs`);
  writeFileSync(file, `import * as lib from ${JSON.stringify(library)};\n${text}`);
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  return { child, output: () => output, ended: once(child, 'close') };
}

test('Node from 24.6 on', () => {
  for (const version of ['v24.6.0', 'v24.21.0', 'v25.0.0']) assert.ok(isRecent(version), version);
  for (const version of ['v20.20.2', 'v22.18.0', 'v24.5.9']) assert.ok(!isRecent(version), version);
});

test('the cache folder follows XDG_CACHE_HOME', () =>
  assert.ok(cacheFolder({ XDG_CACHE_HOME: '/cache' }).startsWith(join('/cache', 'streamsocial', 'node-24.'))));

describe('node_modules against package-lock.json', () => {
  const entry = { version: '1.0.0', integrity: 'sha512-x' };
  const elsewhere = { version: '1.0.0', integrity: 'sha512-y', optional: true, os: ['plan9'], cpu: ['x64'] };
  const locked = { '': { name: 'root' }, 'node_modules/a': entry, 'node_modules/b': elsewhere };

  function tree(installed: unknown): string {
    const root = mkdtempSync(join(scratch, 'tree-'));
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: locked }));
    mkdirSync(join(root, 'node_modules'));
    if (installed)
      writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
    return root;
  }

  test('what npm ci leaves matches', () => assert.ok(matchesLockFile(tree({ 'node_modules/a': entry }))));
  test('no record of an installation: it never ended', () => assert.ok(!matchesLockFile(tree(null))));
  test('a package missing', () => assert.ok(!matchesLockFile(tree({}))));
  test('another version', () =>
    assert.ok(!matchesLockFile(tree({ 'node_modules/a': { ...entry, version: '1.0.1' } }))));
  test('a package too many', () =>
    assert.ok(!matchesLockFile(tree({ 'node_modules/a': entry, 'node_modules/c': entry }))));
  test('a folder made on another platform', () =>
    assert.ok(!matchesLockFile(tree({ 'node_modules/a': entry, 'node_modules/b': elsewhere }))));
});

describe('the lock', () => {
  const criticalSection = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    const [folder] = process.argv.slice(2);
    await lib.withLock(folder, async () => {
      appendFileSync(folder + '/trace', 'in ');
      await sleep(20);
      appendFileSync(folder + '/trace', 'out ');
    });`;

  async function contend(folder: string): Promise<void> {
    const all = Array.from({ length: 4 }, () => program(criticalSection, [folder]));
    for (const { ended } of all) assert.deepEqual(await ended, [0, null]);
    assert.equal(readFileSync(join(folder, 'trace'), 'utf8'), 'in out '.repeat(4));
    assert.deepEqual(readdirSync(folder), ['trace']);
  }

  test('lets one process in at a time, and leaves nothing', () => contend(mkdtempSync(join(scratch, 'lock-'))));

  test('of a dead process is inherited by one', async () => {
    const folder = mkdtempSync(join(scratch, 'lock-'));
    const dead = program('');
    await dead.ended;
    mkdirSync(join(folder, 'lock'));
    writeFileSync(join(folder, 'lock', 'owner'), String(dead.child.pid));
    await contend(folder);
  });

  test('is given back when the work fails', async () => {
    const folder = mkdtempSync(join(scratch, 'lock-'));
    const text = `await lib.withLock(process.argv[2], () => { throw new Error('x'); }).catch(() => console.log('failed'));`;
    const { ended, output } = program(text, [folder]);
    await ended;
    assert.equal(output(), 'failed\n');
    assert.ok(!existsSync(join(folder, 'lock')));
  });
});

describe('a script under another Node', () => {
  // A link to this Node has another path, so that a child is started.
  const inChild = (script: string) => `
    import { symlinkSync } from 'node:fs';
    const other = process.argv[2];
    symlinkSync(process.execPath, other);
    await lib.run(other, ${JSON.stringify(script)}, ['a', 'b c']);`;

  test('gets the arguments and gives its exit code', async () => {
    const script = join(scratch, 'exit.mjs');
    writeFileSync(script, `console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;`);
    const { ended, output } = program(inChild(script), [join(scratch, 'node-a')]);
    assert.deepEqual(await ended, [7, null]);
    assert.equal(output(), '["a","b c"]\n');
  });

  test('gets a signal once, though it was sent twice', async () => {
    const script = join(scratch, 'signal.mjs');
    writeFileSync(
      script,
      `process.on('SIGTERM', () => { console.log('asked'); setTimeout(() => process.exit(0), 300); });
       setInterval(() => {}, 1000); console.log('up');`,
    );
    const { child, ended, output } = program(inChild(script), [join(scratch, 'node-b')]);
    while (!output().includes('up')) await once(child.stdout, 'data');
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGTERM'), 50);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(output(), 'up\nasked\n');
  });
});
