/** The build of the dashboard, as `npm start` does it, on a small page of its own. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { buildDashboard } from '../../bin/dashboard.mjs';

const own = join(import.meta.dirname, '..', '..');
const root = mkdtempSync(join(tmpdir(), 'streamsocial-dashboard-'));
const sources = join(root, 'src', 'dashboard');
const built = join(root, 'assets', 'dashboard');

describe('the build of the dashboard', () => {
  beforeEach(() => {
    rmSync(root, { recursive: true, force: true });
    for (const folder of [sources, join(root, 'assets')]) mkdirSync(folder, { recursive: true });
    symlinkSync(join(own, 'node_modules'), join(root, 'node_modules'));
    writeFileSync(join(root, 'package-lock.json'), '{}');
    writeFileSync(join(sources, 'index.html'), '<!doctype html><script type="module" src="/main.ts"></script>');
    writeFileSync(join(sources, 'main.ts'), "console.log('one' as string);");
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const build = () => buildDashboard(root, process.execPath, join(root, '.node'));
  const script = () => readFileSync(join(built, 'assets', readdirSync(join(built, 'assets'))[0]!), 'utf8');

  test('is made where there is none, and again when a source has changed', async () => {
    await build();
    assert.match(script(), /one/);
    writeFileSync(join(sources, 'main.ts'), "console.log('two' as string);");
    await build();
    assert.match(script(), /two/);
    assert.deepEqual(readdirSync(join(root, 'assets')), ['dashboard']);
  });

  test('is left as it is when nothing has changed', async () => {
    await build();
    writeFileSync(join(built, 'kept'), '');
    await build();
    assert.ok(existsSync(join(built, 'kept')));
    writeFileSync(join(root, 'package-lock.json'), '{"another": "version of a library"}');
    await build();
    assert.ok(!existsSync(join(built, 'kept')));
  });

  test('two starts at once make it once, and both have it', async () => {
    await Promise.all([build(), build()]);
    assert.match(script(), /one/);
  });

  test('what does not compile is said, and the page of before stays', async () => {
    await build();
    writeFileSync(join(sources, 'main.ts'), 'const = ;');
    await assert.rejects(build, /could not be built:[\s\S]*main\.ts/);
    assert.match(script(), /one/);
  });
});
