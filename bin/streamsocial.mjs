#!/usr/bin/env node
/** The installed command. On an older Node it gets Node 24 into the user's cache folder and runs under that. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, fail, findNode, run } from './node24.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(root, 'dist', 'cli', 'main.js');

try {
  const own = cacheFolder();
  const node = await findNode(own);
  const script = existsSync(built) ? built : join(root, 'src', 'cli', 'main.ts');
  await run(node, script, process.argv.slice(2), join(own, 'compiled'));
} catch (error) {
  fail(error);
}
