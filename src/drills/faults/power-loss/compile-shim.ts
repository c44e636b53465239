import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KitError } from '../../../kit/errors.ts';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('../../../../assets/drills/unsynced.c', import.meta.url));
const FLAGS = ['-shared', '-fPIC', '-O2'];
const LIBRARIES = ['-ldl', '-lpthread'];

/**
 * The library that watches a process's writes, compiled once for its source.
 *
 * @returns its path below `cacheDirectory`
 * @throws KitError MISSING_COMPONENT where it cannot be compiled
 */
export async function compileShim(cacheDirectory: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(SOURCE))
    .digest('hex')
    .slice(0, 16);
  const library = join(cacheDirectory, `unsynced-${process.arch}-${digest}.so`);
  if (await exists(library)) return library;
  await mkdir(cacheDirectory, { recursive: true });
  const partial = `${library}.${randomUUID()}.partial`;
  try {
    await run('cc', [...FLAGS, '-o', partial, SOURCE, ...LIBRARIES]);
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new KitError(
      'MISSING_COMPONENT',
      `a C compiler with the headers of glibc is needed: apt-get install gcc libc6-dev ${stderr.slice(0, 500)}`.trim(),
      { cause },
    );
  }
  await rename(partial, library);
  return library;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
