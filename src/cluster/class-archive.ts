/** The JVM's archive of a broker's classes, read and checked once: with it a broker starts with half the work. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freeBasePort } from './free-ports.ts';
import { formatProperties, serverProperties } from './server-properties.ts';
import { isAlive, supervise, waitUntil } from './supervisor.ts';

const STEP_TIMEOUT_MS = 60_000;
const STARTED = 'Kafka Server started';
/** Short-lived and small: start-up time and memory before peak throughput. */
export const SMALL_JVM: readonly string[] = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** A Kafka uuid; this broker is nobody's. */
const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

function fileOf(libraries: string): string {
  return join(libraries, 'classes.jsa');
}

/** For a JVM with `libraries/*` as its class path. A file that is not there, or of another Java, is passed over in silence. */
export function classArchiveFlags(libraries: string): string[] {
  return [`-XX:SharedArchiveFile=${fileOf(libraries)}`, '-Xlog:cds*=off'];
}

/**
 * Makes it where it was not tried for this Java, from what a broker on free ports has loaded when it is up: some 8 s, once.
 * Brokers start without it too, so a failure is no error.
 */
export async function makeClassArchive(libraries: string, onProgress: (text: string) => void): Promise<void> {
  const file = fileOf(libraries);
  // beside the archive, for which Java it was tried
  const triedFile = `${file}.java`;
  const java = await javaVersion();
  if ((await readFile(triedFile, 'utf8').catch(() => null)) === java) return;
  onProgress('preparing the classes of Apache Kafka (once)');
  const partial = `${file}.${randomUUID()}.partial`;
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-classes-'));
  try {
    const made = join(directory, 'classes.jsa');
    await train(libraries, directory, made);
    await copyFile(made, partial);
    // a JVM crashes on half an archive
    await using written = await open(partial, 'r+');
    await written.sync();
    await rename(partial, file);
  } catch {
    await rm(partial, { force: true });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  await writeFile(triedFile, java).catch(() => {});
}

async function javaVersion(): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('java', ['-version']);
  return stdout + stderr;
}

async function train(libraries: string, directory: string, archive: string): Promise<void> {
  const propertiesFile = join(directory, 'kafka.properties');
  const settings = {
    nodeId: 1,
    brokers: 1,
    basePort: await freeBasePort(1),
    dataDirectory: join(directory, 'data'),
  };
  await writeFile(propertiesFile, formatProperties(serverProperties(settings)));
  const java = (flags: readonly string[], ...args: string[]) => [
    ...SMALL_JVM,
    ...flags,
    '-cp',
    join(libraries, '*'),
    ...args,
  ];
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', propertiesFile];
  await promisify(execFile)('java', java([], ...format), { maxBuffer: 8 * 1024 * 1024, timeout: STEP_TIMEOUT_MS });
  const logFile = join(directory, 'kafka.log');
  const broker = await supervise({
    name: 'classes',
    command: 'java',
    args: java([`-XX:ArchiveClassesAtExit=${archive}`], 'kafka.Kafka', propertiesFile),
    directory,
    logFile,
    graceS: STEP_TIMEOUT_MS / 1_000,
  });
  const isUp = async (): Promise<boolean> =>
    !(await isAlive(broker)) || (await readFile(logFile, 'utf8').catch(() => '')).includes(STARTED);
  await waitUntil(isUp, STEP_TIMEOUT_MS).finally(() => broker.stop());
}
