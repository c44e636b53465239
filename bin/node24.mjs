/**
 * Finds Node 24, or gets it through npm. Plain JavaScript that runs on Node 20 and later, with nothing installed.
 * Silent unless something is done; then one line on stderr for each thing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MINIMUM = [24, 6];
const PINNED = '24.21.0';
/** npm packages that hold nothing but the binary. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'win-x64'];
const LOCK_WAIT_MS = 10 * 60_000;
const REPEATED_SIGNAL_MS = 1_000;

export class SetupError extends Error {}

export function isRecent(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** The cache folder of an installed package; a clone uses its own `.node/`. */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME || (process.platform === 'win32' && env.LOCALAPPDATA) || join(homedir(), '.cache');
  return join(base, 'streamsocial', `node-${PINNED}`);
}

/**
 * The path of a Node that is recent enough: this one, or the pinned one in `folder`, installed there when missing.
 * @throws SetupError with what to do, where it cannot be had
 */
export async function findNode(folder) {
  if (isRecent(process.version)) return process.execPath;
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) throw new SetupError(advice());
  const name = `node-${platform}`;
  const home = join(folder, 'node_modules', name);
  const node = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const ready = () => existsSync(node) && readJson(join(home, 'package.json'))?.version === PINNED;
  if (!ready()) {
    await withLock(folder, () => {
      if (!ready()) installNode(folder, name);
    });
    if (!ready()) throw new SetupError(`npm package ${name}@${PINNED} has no ${node}.\n${advice()}`);
  }
  return node;
}

/** Into a folder beside, then renamed: an installation that was stopped half-way is never taken for a whole one. */
function installNode(folder, name) {
  say(`Installing Node ${PINNED} (this machine has ${process.version}) …`);
  const part = join(folder, 'part');
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  writeFileSync(join(part, 'package.json'), '{ "private": true }\n');
  try {
    runNpm(process.execPath, ['install', '--no-save', '--no-package-lock', `${name}@${PINNED}`], part);
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    renameSync(join(part, 'node_modules'), join(folder, 'node_modules'));
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function advice() {
  return [
    `StreamSocial needs Node ${MINIMUM.join('.')} or later; this is ${process.version}. Get it with one of`,
    '  nvm install 24 && nvm use 24',
    '  fnm install 24 && fnm use 24',
    '  brew install node@24',
    '  https://nodejs.org/en/download',
  ].join('\n');
}

/**
 * `npm ci` under `node`, when `node_modules` is not what the lock file says.
 * @param lockFolder where two starts at once wait for each other; outside node_modules, which npm deletes
 */
export async function installPackages(root, node, lockFolder) {
  if (matchesLockFile(root)) return;
  await withLock(lockFolder, () => {
    if (matchesLockFile(root)) return;
    const count = Object.values(lockedPackages(root)).filter((entry) => !entry.optional).length;
    say(`Installing ${count} packages …`);
    runNpm(node, ['ci'], root);
    if (!matchesLockFile(root))
      throw new SetupError('npm ci ended well, yet node_modules differs from package-lock.json.');
  });
}

/**
 * Compares package-lock.json with the record that npm writes as the last act of an installation. A package for
 * another platform (a folder copied or mounted from there) counts as a difference.
 */
export function matchesLockFile(root) {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  const locked = lockedPackages(root);
  return (
    Object.entries(locked).every(([path, entry]) => entry.optional || installed[path]) &&
    Object.entries(installed).every(
      ([path, entry]) =>
        locked[path]?.version === entry.version &&
        locked[path]?.integrity === entry.integrity &&
        fits(entry.os, process.platform) &&
        fits(entry.cpu, process.arch),
    )
  );
}

function lockedPackages(root) {
  const { '': _root, ...packages } = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  return packages;
}

function fits(allowed, actual) {
  return !allowed || [allowed].flat().includes(actual);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** npm's own JavaScript, so that it runs under the Node we choose. */
function npmCli() {
  const beside = dirname(process.execPath);
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm'));
  const candidates = [
    process.env.npm_execpath,
    join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(beside, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...onPath,
  ];
  for (const candidate of candidates) {
    if (!candidate || !existsSync(candidate)) continue;
    const path = realpathSync(candidate);
    if (path.endsWith('npm-cli.js')) return path;
  }
  throw new SetupError('npm was not found. It comes with Node: https://nodejs.org/en/download');
}

function runNpm(node, args, cwd) {
  const result = spawnSync(
    node,
    [npmCli(), ...args, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
    {
      cwd,
      env: environmentFor(node),
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (result.error) throw result.error;
  if (result.signal) throw new SetupError(`npm ${args[0]} was stopped by ${result.signal}.`);
  if (result.status !== 0) throw new SetupError(`npm ${args.join(' ')} failed with exit code ${result.status}.`);
}

/** Install scripts and tools that say `node` mean the Node we run under; an npm above us must not redirect our npm. */
function environmentFor(node) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}

/**
 * Only one process at a time. The lock is a folder that names its owner from the moment it exists (it is renamed into
 * place); the lock of a dead owner is inherited by the one process that can make `after-<pid>` in it.
 */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'lock');
  const me = String(process.pid);
  const deadline = Date.now() + LOCK_WAIT_MS;
  let told = false;
  while (!acquire(folder, lock, me)) {
    const owner = readOwner(lock);
    if (owner && !isAlive(owner) && inherit(lock, owner, me)) break;
    if (!told && owner) say(`Waiting for process ${owner}, which is installing …`);
    told ||= Boolean(owner);
    if (Date.now() > deadline)
      throw new SetupError(`Process ${owner} still holds ${lock}; remove it if that is wrong.`);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    // Away in one step: a lock folder that is seen half removed could be taken by another and removed with its content.
    renameSync(lock, join(folder, `lock-${me}`));
    rmSync(join(folder, `lock-${me}`), { recursive: true, force: true });
  }
}

function acquire(folder, lock, me) {
  const mine = join(folder, `lock-${me}`);
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, 'owner'), me);
  try {
    renameSync(mine, lock);
    return true;
  } catch {
    rmSync(mine, { recursive: true, force: true });
    return false;
  }
}

function inherit(lock, owner, me) {
  try {
    mkdirSync(join(lock, `after-${owner}`));
    if (readOwner(lock) !== owner) return false;
    writeFileSync(join(lock, 'owner.new'), me);
    renameSync(join(lock, 'owner.new'), join(lock, 'owner'));
    return true;
  } catch {
    return false;
  }
}

function readOwner(lock) {
  try {
    return readFileSync(join(lock, 'owner'), 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Garbage is collected before the heap outgrows the 512 MiB that the process may have in all; V8 would take half the machine. */
const HEAP_FLAGS = ['--max-old-space-size=288', '--max-semi-space-size=16'];
/** glibc gives each thread an arena of its own and returns little of them: two are enough, and 20 MB less. */
const ARENAS = { MALLOC_ARENA_MAX: '2' };

/**
 * Runs a script under `node` in a child whose signals, streams and exit code are ours. A signal that comes twice at once
 * (from the terminal and from npm) is passed on once. Compiled code is kept in the folder `compileCache`: a start takes half the time.
 */
export async function run(node, script, args, compileCache) {
  const child = spawn(node, [...HEAP_FLAGS, script, ...args], {
    // the channel tells the child of our end, however it comes
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: compileCache, ...ARENAS, ...environmentFor(node) },
  });
  const passedAt = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = performance.now();
      if (now - (passedAt.get(signal) ?? -Infinity) < REPEATED_SIGNAL_MS) return;
      passedAt.set(signal, now);
      child.kill(signal);
    });
  }
  const [code, signal] = await new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('exit', (...result) => settle(result));
  });
  process.exitCode = signal ? 128 + constants.signals[signal] : code;
}

/** Reports what a user can act on without a stack, and anything else with it. */
export function fail(error) {
  say(error instanceof SetupError ? error.message : error.stack);
  process.exitCode = 1;
}
