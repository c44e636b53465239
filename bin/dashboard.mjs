/** Builds the dashboard of a clone into `assets/dashboard` when its sources have changed. An installed package has it built. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say, withLock } from './node24.mjs';

/** What the build was made from, beside what was made. */
const FINGERPRINT = 'built-from';

/** @param lockFolder where two starts at once wait for each other */
export async function buildDashboard(root, node, lockFolder) {
  const fingerprint = fingerprintOf(root);
  if (isBuilt(root, fingerprint)) return;
  await withLock(lockFolder, () => {
    if (!isBuilt(root, fingerprint)) build(root, node, fingerprint);
  });
}

/** Into a folder beside, then renamed: a server that runs meanwhile never sees half of it. */
function build(root, node, fingerprint) {
  say('Building the dashboard …');
  const home = join(root, 'assets', 'dashboard');
  const part = `${home}-part`;
  const old = `${home}-old`;
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status, stdout, stderr, error } = spawnSync(
    node,
    [vite, 'build', join(root, 'src', 'dashboard'), '--outDir', part, '--logLevel', 'warn'],
    { cwd: root, encoding: 'utf8' },
  );
  if (error) throw error;
  if (status !== 0) throw new SetupError(`The dashboard could not be built:\n${stdout}${stderr}`);
  writeFileSync(join(part, FINGERPRINT), fingerprint);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(home)) renameSync(home, old);
  renameSync(part, home);
  rmSync(old, { recursive: true, force: true });
}

function isBuilt(root, fingerprint) {
  try {
    return readFileSync(join(root, 'assets', 'dashboard', FINGERPRINT), 'utf8') === fingerprint;
  } catch {
    return false;
  }
}

/** Of its sources and of the tools and libraries that it is made with. */
function fingerprintOf(root) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  const sources = join(root, 'src', 'dashboard');
  for (const name of readdirSync(sources, { recursive: true }).sort()) {
    if (!/\.(tsx?|css|html|json|svg)$/.test(name)) continue;
    hash.update(`${name}\n`).update(readFileSync(join(sources, name)));
  }
  return hash.digest('hex');
}
