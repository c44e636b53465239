/**
 * What some tests need from the machine. A missing component skips the test by name, with the command that installs
 * it; where CI=true the skip is a failure, so that nothing is left out unseen.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

const INSTALL = {
  java: 'apt-get install openjdk-17-jre-headless',
  javac: 'apt-get install openjdk-17-jdk-headless',
  mvn: 'apt-get install maven',
  'redis-server': 'apt-get install redis-server',
  kcat: 'apt-get install kcat',
  chromium: 'apt-get install chromium',
  cc: 'apt-get install gcc libc6-dev',
  python3: 'apt-get install python3-venv',
} as const;

export type Component = keyof typeof INSTALL;

/** Debian's python3 is there without what makes a virtual environment. */
function makesVenvs(): boolean {
  return spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0;
}

function isThere(name: Component): boolean {
  return onPath(name) && (name !== 'python3' || makesVenvs());
}

function onPath(name: string): boolean {
  return pathOf(name) !== undefined;
}

/** Where a program is, as a shell would find it. */
export function pathOf(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * For `describe(name, { skip: missing('java', 'mvn') ?? false }, ...)`: the reason to skip, or undefined.
 *
 * @throws Error under CI=true instead of answering a reason
 */
export function missing(...names: Component[]): string | undefined {
  const absent = names.filter((name) => !isThere(name));
  if (absent.length === 0) return undefined;
  const reason = absent.map((name) => `needs ${name}: ${INSTALL[name]}`).join('; ');
  if (process.env.CI === 'true') throw new Error(`${reason} (CI=true allows no skip)`);
  return reason;
}

/** `if (!requireComponent(t, 'redis-server')) return;` as a test's first line. */
export function requireComponent(t: TestContext, ...names: Component[]): boolean {
  const reason = missing(...names);
  if (reason !== undefined) t.skip(reason);
  return reason === undefined;
}
