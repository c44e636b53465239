/** Every example is run and prints what its `expected.txt` says. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const examples = join(import.meta.dirname, '..', '..', 'examples');
/** The package's own name leads to its sources, as it leads to its JavaScript where it is installed. */
const FROM_SOURCE = '--conditions=streamsocial-source';
const DURATION = / \([\d.]+ms\)$/;

describe('examples', { concurrency: true }, () => {
  for (const name of readdirSync(examples)) {
    it(name, async () => {
      const directory = join(examples, name);
      const tests = readdirSync(directory).filter((file) => file.endsWith('.test.ts'));
      const args = tests.length > 0 ? ['--test', '--test-reporter=spec', ...tests] : ['main.ts'];
      const env: NodeJS.ProcessEnv = { ...process.env, NODE_NO_WARNINGS: '1' };
      // a test runner within a test would report to the outer one
      delete env.NODE_TEST_CONTEXT;
      const { stdout } = await promisify(execFile)(process.execPath, [FROM_SOURCE, ...args], { cwd: directory, env });
      const lines = stdout.split('\n').filter((line) => !line.startsWith('ℹ') && line !== '');
      const expected = readFileSync(join(directory, 'expected.txt'), 'utf8');
      assert.equal(`${lines.map((line) => line.replace(DURATION, '')).join('\n')}\n`, expected);
    });
  }
});
