/** What `npm pack` makes works in a project of its own: the command, the subpaths, the types, the README's sample. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'streamsocial-package-'));
const installed = join(project, 'node_modules', 'streamsocial');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function node(...args: string[]) {
  return promisify(execFile)(process.execPath, args, { cwd: project }).catch((error) =>
    assert.fail(`${error.message}\n${error.stdout}`),
  );
}

describe('the package in a project of its own', () => {
  before(async () => {
    await node(tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist'));
    for (const path of ['package.json', ...manifest.files.filter((path: string) => path !== 'dist')])
      cpSync(join(root, path), join(installed, path), { recursive: true });
    for (const name of readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.')))
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    const compilerOptions = {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      skipLibCheck: false,
      types: ['node'],
      rootDir: 'src',
      outDir: 'out',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  test('the command runs', async () => {
    const { stdout } = await node(join(installed, manifest.bin.streamsocial), '--version');
    assert.equal(stdout.trim(), manifest.version);
  });

  test("the README's sample compiles with strict types, runs, and prints what the README says", async () => {
    const sample = /```ts\n([\s\S]*?)```\n\nIt prints `(.*)`/.exec(readFileSync(join(root, 'README.md'), 'utf8'));
    assert.ok(sample !== null);
    writeFileSync(join(project, 'src', 'service.ts'), sample[1]!);
    await node(tsc, '-p', project);
    const { stdout } = await node('out/service.js');
    assert.equal(stdout.split('\n')[0], sample[2]);
    assert.match(stdout, /^the first one of partition 0: order-\d+ \{"total":\d+\}$/m);
  });

  test('an example that is copied into the project runs there', async () => {
    cpSync(join(root, 'examples'), join(project, 'examples'), { recursive: true });
    const { stdout } = await node('examples/delivery-semantics/main.ts');
    assert.equal(stdout, readFileSync(join(root, 'examples/delivery-semantics/expected.txt'), 'utf8'));
  });

  test('what is not a subpath of kit or domains stays inside', async () => {
    writeFileSync(
      join(project, 'inside.mjs'),
      "await import('streamsocial/api/build-api').catch((e) => console.log(e.code));",
    );
    assert.equal((await node('inside.mjs')).stdout.trim(), 'ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});
