/** Every example is run and prints what its `expected.txt` says; some of them on a real Kafka too. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka } from '../support/cluster.ts';
import { missing } from '../support/requirements.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');
const names = readdirSync(examples).filter((name) => existsSync(join(examples, name, 'expected.txt')));
/** The package's own name leads to its sources, as it leads to its JavaScript where it is installed. */
const FROM_SOURCE = '--conditions=streamsocial-source';
const DURATION = / \([\d.]+ms\)$/;

function expected(name: string): string {
  return readFileSync(join(examples, name, 'expected.txt'), 'utf8');
}

async function output(name: string, ...args: readonly string[]): Promise<string> {
  const directory = join(examples, name);
  const tests = readdirSync(directory).filter((file) => file.endsWith('.test.ts'));
  const program = tests.length > 0 ? ['--test', '--test-reporter=spec', ...tests] : ['main.ts'];
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_NO_WARNINGS: '1' };
  // a test runner within a test would report to the outer one
  delete env.NODE_TEST_CONTEXT;
  const run = promisify(execFile)(process.execPath, [FROM_SOURCE, ...program, ...args], { cwd: directory, env });
  const { stdout } = await run;
  const lines = stdout.split('\n').filter((line) => !line.startsWith('ℹ'));
  return `${lines
    .map((line) => line.replace(DURATION, ''))
    .join('\n')
    .trimEnd()}\n`;
}

describe('examples', { concurrency: true }, () => {
  for (const name of names) it(name, async () => assert.equal(await output(name), expected(name)));

  const course = readFileSync(join(examples, 'README.md'), 'utf8');

  it('what the course quotes is what they print', () => {
    const words = (line: string) => line.trim().replaceAll(/ +/g, ' ');
    const printed = new Set(names.flatMap((name) => expected(name).split('\n').map(words)));
    const quoted = [...course.matchAll(/^```text\n(.*?)^```$/gms)].flatMap(([, text]) =>
      text!.trimEnd().split('\n').map(words),
    );
    assert.ok(quoted.length > 0);
    assert.deepEqual(
      quoted.filter((line) => !printed.has(line)),
      [],
    );
  });

  it('each has its place in the course', () => {
    assert.deepEqual(
      names.filter((name) => !course.includes(`](${name}/`)),
      [],
    );
  });
});

describe('examples on Kafka', { concurrency: true, skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let kafka: TestKafka;
  before(async () => {
    kafka = await kafkaForTests();
  });
  after(() => kafka.stop());

  for (const name of ['bookstore', 'delivery-semantics', 'ordering']) {
    it(name, async () => assert.equal(await output(name, kafka.bootstrap[0]!), expected(name)));
  }
});
