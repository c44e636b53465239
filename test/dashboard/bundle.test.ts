/** What a browser has to load before it shows a view, from the import graph of what was built. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildDashboard } from '../../bin/dashboard.mjs';

/** As Vite writes it. */
interface Chunk {
  readonly file: string;
  readonly src?: string;
  readonly isEntry?: boolean;
  /** Keys of chunks that are loaded with it. */
  readonly imports?: readonly string[];
  /** Keys of chunks that it loads when it wants them. */
  readonly dynamicImports?: readonly string[];
  readonly css?: readonly string[];
}

type Manifest = Readonly<Record<string, Chunk>>;

const root = join(import.meta.dirname, '..', '..');
const home = join(root, 'assets', 'dashboard');
const MAX_FIRST_LOAD_BYTES = 90 * 1024;

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8')) as Manifest;
}

/** What is loaded with a chunk, itself among it; with `later` also what it may want afterwards, its charts for example. */
function closure(manifest: Manifest, start: string, later: boolean): Set<string> {
  const found = new Set<string>();
  const visit = (key: string): void => {
    if (found.has(key)) return;
    found.add(key);
    const { imports = [], dynamicImports = [], isEntry = false } = manifest[key]!;
    // the entry wants the other views later
    for (const next of [...imports, ...(later && !isEntry ? dynamicImports : [])]) visit(next);
  };
  visit(start);
  return found;
}

function zippedBytes(manifest: Manifest, keys: Iterable<string>): number {
  let sum = 0;
  for (const key of keys) {
    const { file } = manifest[key]!;
    if (file.endsWith('.js')) sum += gzipSync(readFileSync(join(home, file))).length;
  }
  return sum;
}

describe('the built dashboard', () => {
  let manifest: Manifest;
  before(async () => {
    await buildDashboard(root, process.execPath, join(root, '.node'));
    manifest = readManifest();
  });

  test('no view loads more than 90 KiB of gzipped JavaScript, with all that it may want later', (t) => {
    const [entry, ...others] = Object.keys(manifest).filter((key) => manifest[key]!.isEntry === true);
    assert.deepEqual(others, []);
    const views = Object.keys(manifest).filter((key) => /^views\/\w+\/view\.tsx$/.test(key));
    assert.equal(views.length, 7);
    for (const view of views) {
      const first = closure(manifest, entry!, false).union(closure(manifest, view, true));
      const bytes = zippedBytes(manifest, first);
      t.diagnostic(`${view}: ${(bytes / 1024).toFixed(1)} KiB`);
      assert.ok(bytes <= MAX_FIRST_LOAD_BYTES, `${view} loads ${bytes} bytes: ${[...first].join(', ')}`);
    }
  });

  test('nothing in it names a place on another host to load from', () => {
    for (const { file, css = [] } of Object.values(manifest)) {
      for (const name of [file, ...css].filter((one) => /\.(js|css)$/.test(one))) {
        const text = readFileSync(join(home, name), 'utf8');
        assert.doesNotMatch(text, /(?:import|from|url|fetch)\s*\(?\s*["'`]?https?:\/\//, name);
      }
    }
  });

  test('the page itself has no inline script or style', () => {
    const html = readFileSync(join(home, 'index.html'), 'utf8');
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=/);
    for (const [script] of html.matchAll(/<script[^>]*>/g)) assert.match(script, /\ssrc="\/assets\//);
  });
});
