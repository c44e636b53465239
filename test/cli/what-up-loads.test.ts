import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const CLIENT = '@platformatic/kafka/';

/** Prints the way of imports to the client of Kafka, from it upwards; nothing where it is not loaded. */
const wayTo = (module: string): string => `
  import { registerHooks } from 'node:module';
  const parents = new Map();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (!parents.has(resolved.url)) parents.set(resolved.url, context.parentURL);
      return resolved;
    },
  });
  await import('${module}');
  let at = [...parents.keys()].find((url) => url.includes('${CLIENT}'));
  for (; at !== undefined; at = parents.get(at)) console.log(at);`;

async function importsToClient(file: string): Promise<string> {
  const code = wayTo(new URL(`../../${file}`, import.meta.url).href);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
  return stdout;
}

test('`up` loads the client of Kafka only for a log on Kafka: it is half of what a start takes', async () => {
  assert.equal(await importsToClient('src/cli/up.ts'), '');
  assert.ok((await importsToClient('src/kit/log/kafka/kafka-log.ts')).includes(CLIENT));
});
