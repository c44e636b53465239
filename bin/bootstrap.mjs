#!/usr/bin/env node
/**
 * The way into a clone: `npm start`, `npm test` and `./streamsocial` come here, on any Node from 20 on, before anything is
 * installed. Gets Node 24 and the packages where they are missing and hands over.
 *
 *   bootstrap.mjs start [flags]     the platform: src/cli/main.ts up
 *   bootstrap.mjs test [filters]    the tests: scripts/test.ts
 *   bootstrap.mjs simulate [flags]  deterministic simulation: scripts/simulate.ts
 *   bootstrap.mjs example NAME …    an example: scripts/example.ts
 *   bootstrap.mjs run VERB …        any verb of the command line
 *   bootstrap.mjs screenshots     pictures of the dashboard: scripts/screenshots.ts
 *   bootstrap.mjs dashboard         builds the dashboard when its sources have changed
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDashboard } from './dashboard.mjs';
import { fail, findNode, installPackages, run, SetupError } from './node24.mjs';

// npm passes SIGTERM to the shell between us, which dies and tells nobody: losing that parent is the signal.
const parent = process.ppid;
if (process.env.npm_lifecycle_event) {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 250).unref();
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [mode, ...args] = process.argv.slice(2);
const main = join(root, 'src', 'cli', 'main.ts');
const targets = {
  start: [main, ['up', ...args]],
  test: [join(root, 'scripts', 'test.ts'), args],
  simulate: [join(root, 'scripts', 'simulate.ts'), args],
  // the package's own name leads to its sources
  example: ['--conditions=streamsocial-source', [join(root, 'scripts', 'example.ts'), ...args]],
  run: [main, args],
  screenshots: [join(root, 'scripts', 'screenshots.ts'), args],
  dashboard: null,
};
/** Of these a page is wanted, or everything is tested. */
const needsDashboard = ['start', 'test', 'dashboard'].includes(mode) || (mode === 'run' && args[0] === 'up');

if (Object.hasOwn(targets, mode ?? '')) {
  try {
    const own = join(root, '.node');
    const node = await findNode(own);
    await installPackages(root, node, own);
    if (needsDashboard) await buildDashboard(root, node, own);
    if (targets[mode] !== null) await run(node, ...targets[mode], join(own, 'compiled'));
  } catch (error) {
    fail(error);
  }
} else {
  fail(new SetupError('usage: bootstrap.mjs start|test|simulate|example|run|screenshots|dashboard [arguments]'));
}
