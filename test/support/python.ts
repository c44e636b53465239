/** librdkafka's client for Python, in a virtual environment in the tests' cache. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedDirectory } from './cached-directory.ts';

const CONFLUENT_KAFKA = '2.16.1';
const TIMEOUT = { timeout: 5 * 60_000 };
const run = promisify(execFile);

/** In a suite that is skipped by `missing('python3')`. @returns the path of a Python that has `confluent_kafka` */
export async function pythonWithConfluentKafka(): Promise<string> {
  const directory = await cachedDirectory(`python-confluent-kafka-${CONFLUENT_KAFKA}`, async (partial) => {
    await run('python3', ['-m', 'venv', partial], TIMEOUT);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
    await run(interpreterOf(partial), [...install, `confluent-kafka==${CONFLUENT_KAFKA}`], TIMEOUT);
  });
  return interpreterOf(directory);
}

function interpreterOf(directory: string): string {
  return join(directory, 'bin', 'python');
}
