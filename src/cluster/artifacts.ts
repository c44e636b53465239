import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KitError } from '../kit/errors.ts';

export const KAFKA_VERSION = '4.1.1';
const JOLOKIA_VERSION = '2.3.0';
/** In the cache. Whatever the POM fetches is in its name, so that a folder of another set of jars is never taken for this one. */
export const LIBRARIES_FOLDER = `kafka-${KAFKA_VERSION}-jolokia-${JOLOKIA_VERSION}`;
const AGENT = `jolokia-agent-jvm-${JOLOKIA_VERSION}-javaagent.jar`;
/** A folder of its own: as a Java agent it is on the class path anyway, and `libraries/*` would put it there once more. */
const AGENT_FOLDER = 'agent';

const POM = fileURLToPath(new URL('../../assets/kafka/pom.xml', import.meta.url));
const FETCH_TIMEOUT_MS = 10 * 60 * 1000;

const INSTALL: Readonly<Record<string, string>> = {
  java: 'apt-get install openjdk-17-jre-headless',
  mvn: 'apt-get install maven',
  'redis-server': 'apt-get install redis-server',
};

/** Debian's package; the command is also what `doctor` prints. */
export function missingComponent(name: string, cause?: unknown): KitError {
  const install = INSTALL[name] ?? `install ${name}`;
  return new KitError('MISSING_COMPONENT', `${name} is not installed: ${install}`, {
    cause,
    details: { component: name, install },
  });
}

const run = promisify(execFile);

export async function isInstalled(command: string, versionFlag: string): Promise<boolean> {
  return run(command, [versionFlag]).then(
    () => true,
    () => false,
  );
}

/**
 * The folder of Kafka's jars (54 MB), fetched once through Maven. A fetch lands under a name of its own and is renamed
 * when whole, so one that was killed is never taken for it.
 *
 * @param cacheDirectory kept between runs, e.g. `~/.cache/streamsocial`
 * @throws KitError MISSING_COMPONENT (java, mvn), ARTIFACTS_UNAVAILABLE (retriable: Maven could not fetch)
 */
export async function kafkaLibraries(cacheDirectory: string, onProgress: (text: string) => void): Promise<string> {
  if (!(await isInstalled('java', '-version'))) throw missingComponent('java');
  const libraries = join(cacheDirectory, LIBRARIES_FOLDER);
  if (await exists(libraries)) return libraries;
  if (!(await isInstalled('mvn', '-version'))) throw missingComponent('mvn');

  onProgress(`fetching Apache Kafka ${KAFKA_VERSION} with Maven (54 MB, once)`);
  await mkdir(cacheDirectory, { recursive: true });
  const partial = `${libraries}.${randomUUID()}.partial`;
  try {
    await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`], {
      timeout: FETCH_TIMEOUT_MS,
    });
    await mkdir(join(partial, AGENT_FOLDER));
    await rename(join(partial, AGENT), join(partial, AGENT_FOLDER, AGENT));
    await rename(partial, libraries);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    // Another process may have been first; its folder is as good.
    if (await exists(libraries)) return libraries;
    const output = (cause as { stdout?: string }).stdout?.trim().split('\n').slice(0, 3).join('\n') ?? '';
    throw new KitError(
      'ARTIFACTS_UNAVAILABLE',
      `Maven could not fetch Apache Kafka ${KAFKA_VERSION}. ${output}`.trim(),
      {
        cause,
        retriable: true,
      },
    );
  }
  return libraries;
}

/** The Java agent that serves a broker's JMX over HTTP. */
export function jolokiaAgent(libraries: string): string {
  return join(libraries, AGENT_FOLDER, AGENT);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
