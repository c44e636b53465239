import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const CLIENT = '@platformatic/kafka/';

/** Prints the way of imports to the client of Kafka, from it upwards; nothing where it is not loaded. */
const wayTo = (modules: readonly string[]): string => `
  import { registerHooks } from 'node:module';
  const parents = new Map();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (!parents.has(resolved.url)) parents.set(resolved.url, context.parentURL);
      return resolved;
    },
  });
  for (const module of ${JSON.stringify(modules)}) await import(module);
  let at = [...parents.keys()].find((url) => url.includes('${CLIENT}'));
  for (; at !== undefined; at = parents.get(at)) console.log(at);`;

async function importsToClient(...files: readonly string[]): Promise<string> {
  const code = wayTo(files.map((file) => new URL(`../../src/${file}`, import.meta.url).href));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
  return stdout;
}

test('`up` loads the client of Kafka only for a log on Kafka: it is a third of what a start takes', async () => {
  // with what it loads when it has read its settings
  const later = ['pipelines/open-platform.ts', 'api/build-api.ts', 'cli/cluster-control.ts', 'cli/served-drills.ts'];
  assert.equal(await importsToClient('cli/up.ts', ...later), '');
  assert.ok((await importsToClient('kit/log/kafka/kafka-log.ts')).includes(CLIENT));
});
