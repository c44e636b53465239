import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LOOPBACK } from './readiness.ts';
import { brokerPorts, formatProperties, serverProperties } from './server-properties.ts';
import type { ServerCommand } from './supervisor.ts';

export const REDIS = 'redis';

/** Three nodes that stop together wait for each other's controller; what they wrote is safe from a KILL. */
export const STOP_GRACE_S = 5;

export interface PortCommand extends ServerCommand {
  readonly port: number;
}

/** Short-lived and small: start-up time and memory before peak throughput. */
const JVM_FLAGS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];
const LOG_FLAGS = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
];

/** Writes each node's settings, formats its storage where it is new, and answers how to start it. */
export async function kafkaCommands(
  directory: string,
  libraries: string,
  basePort: number,
  brokers: number,
): Promise<PortCommand[]> {
  // A quorum cannot change its size by being restarted, so each size has its own data.
  const dataRoot = join(directory, `data-${brokers}`);
  await mkdir(dataRoot, { recursive: true });
  const clusterId = await keptClusterId(join(dataRoot, 'cluster-id'));
  return Promise.all(
    brokerPorts(basePort, brokers).map(async (port, index) => {
      const nodeId = index + 1;
      const name = `kafka-${nodeId}`;
      const dataDirectory = join(dataRoot, name);
      const settings = { nodeId, brokers, basePort, dataDirectory };
      await formatStorage(clusterId, settings, libraries);
      const propertiesFile = join(directory, `${name}.properties`);
      await writeFile(propertiesFile, formatProperties(serverProperties(settings)));
      return {
        name,
        port,
        command: 'java',
        args: [...JVM_FLAGS, ...LOG_FLAGS, '-cp', join(libraries, '*'), 'kafka.Kafka', propertiesFile],
        directory,
        logFile: await freshLog(directory, name),
        graceS: STOP_GRACE_S,
      };
    }),
  );
}

export async function redisCommand(directory: string, port: number): Promise<PortCommand> {
  const dataDirectory = join(directory, REDIS);
  await mkdir(dataDirectory, { recursive: true });
  const settings = {
    port,
    bind: LOOPBACK,
    dir: dataDirectory,
    appendonly: 'no',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  return {
    name: REDIS,
    port,
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    directory,
    logFile: await freshLog(directory, REDIS),
    graceS: STOP_GRACE_S,
  };
}

/** The previous run's log is kept beside it, once. */
async function freshLog(directory: string, name: string): Promise<string> {
  const logFile = join(directory, 'logs', `${name}.log`);
  await rename(logFile, `${logFile}.1`).catch(() => {});
  return logFile;
}

/** A Kafka uuid: 16 bytes in URL-safe base64; one that starts with `-` would read as an option. */
async function keptClusterId(file: string): Promise<string> {
  const fresh = randomBytes(16);
  fresh[0] = fresh[0]! & 0x7f;
  await writeFile(file, fresh.toString('base64url'), { flag: 'wx' }).catch(() => {});
  return readFile(file, 'utf8');
}

/** Formats under another name and renames, so that a format that was killed is never started from. */
async function formatStorage(
  clusterId: string,
  settings: Parameters<typeof serverProperties>[0],
  libraries: string,
): Promise<void> {
  const formatted = await access(settings.dataDirectory).then(
    () => true,
    () => false,
  );
  if (formatted) return;
  const partial = `${settings.dataDirectory}.${randomUUID()}.partial`;
  const propertiesFile = `${partial}.properties`;
  await writeFile(propertiesFile, formatProperties(serverProperties({ ...settings, dataDirectory: partial })));
  const tool = ['kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', propertiesFile];
  await promisify(execFile)('java', [...JVM_FLAGS, '-cp', join(libraries, '*'), ...tool], {
    maxBuffer: 8 * 1024 * 1024,
  });
  await rename(partial, settings.dataDirectory);
  await rm(propertiesFile);
}
