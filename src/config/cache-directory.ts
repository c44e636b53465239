import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloads that every clone can share are kept. Source: XDG Base Directory Specification. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'streamsocial');
}
