/** `npm run example NAME [host:port]`: runs one of `examples/`, on a broker of its own or on a Kafka. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isKitError } from '../src/kit/errors.ts';

const USAGE = 2;
const UNREACHABLE = 3;

const folder = join(import.meta.dirname, '..', 'examples');
const [node, , name = '', ...args] = process.argv;
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

if (names.includes(name)) {
  const isProgram = (file: string): boolean => file === 'main.ts' || file.endsWith('.test.ts');
  const program = join(folder, name, readdirSync(join(folder, name)).find(isProgram)!);
  process.argv = [node!, program, ...args];
  try {
    await import(pathToFileURL(program).href);
  } catch (error) {
    if (!isKitError(error)) throw error;
    process.stderr.write(`${error.message} (${error.code})\n`);
    process.exitCode = error.code === 'LOG_UNAVAILABLE' ? UNREACHABLE : 1;
  }
} else {
  process.stderr.write(`usage: npm run example NAME [host:port], with NAME one of\n  ${names.join('\n  ')}\n`);
  process.exitCode = USAGE;
}
