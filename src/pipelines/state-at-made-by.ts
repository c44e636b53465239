import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOMAIN = fileURLToPath(new URL('../domains/social/', import.meta.url));

/** Of the sources of the domain: whoever changes one may change what its projections come to. */
export function domainFingerprint(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(DOMAIN).sort()) {
    if (/\.[jt]s$/.test(name)) hash.update(name).update(readFileSync(DOMAIN + name));
  }
  return hash.digest('hex').slice(0, 16);
}
