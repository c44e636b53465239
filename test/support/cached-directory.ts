/** What tests fetch once and keep: a directory of the cache, made whole under another name and then renamed. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { testCacheDirectory } from './cluster.ts';

/** @param name says all that decides what is in it, versions too */
export async function cachedDirectory(name: string, make: (directory: string) => Promise<unknown>): Promise<string> {
  const cache = testCacheDirectory();
  const directory = join(cache, name);
  if (await exists(directory)) return directory;
  const partial = `${directory}.${randomUUID()}.partial`;
  try {
    await mkdir(cache, { recursive: true });
    await make(partial);
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process may have been first; its directory is as good.
    if (!(await exists(directory))) throw error;
  }
  return directory;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
