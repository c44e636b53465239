/** A small application of Kafka Streams, run from its source: `word-count.java`. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KAFKA_VERSION, kafkaLibraries } from '../../src/cluster/artifacts.ts';
import { cachedDirectory } from './cached-directory.ts';
import { testCacheDirectory } from './cluster.ts';
import { JVM } from './java-tools.ts';
import { launch, type Program, type Scope } from './programs.ts';

const POM = fileURLToPath(new URL('kafka-streams-pom.xml', import.meta.url));
const SOURCE = fileURLToPath(new URL('word-count.java', import.meta.url));
const FETCH_TIMEOUT_MS = 5 * 60_000;

/** In a suite that is skipped by `missing('java', 'javac', 'mvn')`. */
export async function streamsClassPath(): Promise<string> {
  const kafka = await kafkaLibraries(testCacheDirectory(), () => {});
  const streams = await cachedDirectory(`kafka-streams-${KAFKA_VERSION}`, (partial) => {
    const copy = ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`];
    return promisify(execFile)('mvn', copy, { timeout: FETCH_TIMEOUT_MS });
  });
  return `${kafka}/*:${streams}/*`;
}

/**
 * Counts the words of the topic `lines` into the topic `words`.
 *
 * @param file where its properties are to be written
 */
export async function launchWordCount(
  scope: Scope,
  file: string,
  properties: Readonly<Record<string, string>>,
): Promise<Program> {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(''));
  return launch(scope, 'java', [...JVM, '-cp', await streamsClassPath(), SOURCE, file]);
}
