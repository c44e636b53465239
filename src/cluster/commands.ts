import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KitError } from '../kit/errors.ts';
import { jolokiaAgent } from './artifacts.ts';
import { classArchiveFlags, SMALL_JVM } from './class-archive.ts';
import {
  brokerPorts,
  controllerPorts,
  formatProperties,
  jolokiaPorts,
  LOOPBACK,
  serverProperties,
} from './server-properties.ts';
import type { ServerCommand } from './supervisor.ts';

export const REDIS = 'redis';

/** Three nodes that stop together wait for each other's controller; what they wrote is safe from a KILL. */
export const STOP_GRACE_S = 5;
/** Of one server that is asked to end: its controlled shutdown hands over its leaderships first. */
export const TERM_GRACE_MS = 30_000;

/** Where a broker runs that is not on the loopback of this process: in a network namespace, say. */
export interface BrokerPlace {
  /** Its address, as every other broker and this process reach it. */
  readonly host: string;
  /** Put before its command. */
  readonly enter: readonly string[];
}

export interface ServerPlan {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Have to be free before it starts. */
  readonly ports: readonly number[];
  /** The broker's node id; null for Redis. */
  readonly nodeId: number | null;
  readonly dataDirectory: string;
  /** Where its JMX is read; null for Redis. */
  readonly jolokiaPort: number | null;
  /** Settings, storage where there is none, a fresh log: done anew for every start. */
  prepare(): Promise<ServerCommand>;
}

const JOLOKIA_ACCESS = fileURLToPath(new URL('../../assets/kafka/jolokia-access.xml', import.meta.url));

/** Without it a broker goes on with whatever thread has died. */
const EXIT_WHEN_OUT_OF_MEMORY = '-XX:+ExitOnOutOfMemoryError';
const JVM_FLAGS = [...SMALL_JVM, '-Djava.awt.headless=true', EXIT_WHEN_OUT_OF_MEMORY];
const LOG_FLAGS = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
];

function agentFlag(libraries: string, port: number): string {
  const options = { host: LOOPBACK, port, discoveryEnabled: false, policyLocation: `file:${JOLOKIA_ACCESS}` };
  const list = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return `-javaagent:${jolokiaAgent(libraries)}=${list.join(',')}`;
}

/** How each node is started; its storage is formatted where it is new. */
export async function kafkaPlans(
  directory: string,
  libraries: string,
  basePort: number,
  brokers: number,
  places?: readonly BrokerPlace[],
): Promise<ServerPlan[]> {
  // A quorum cannot change its size by being restarted, so each size has its own data.
  const dataRoot = join(directory, `data-${brokers}`);
  await mkdir(dataRoot, { recursive: true });
  const clusterId = await keptClusterId(join(dataRoot, 'cluster-id'));
  const controllers = controllerPorts(basePort, brokers);
  const jolokia = jolokiaPorts(basePort, brokers);
  return brokerPorts(basePort, brokers).map((port, index) => {
    const nodeId = index + 1;
    const name = `kafka-${nodeId}`;
    const jolokiaPort = jolokia[index]!;
    const dataDirectory = join(dataRoot, name);
    const settings = { nodeId, brokers, basePort, dataDirectory, hosts: places?.map(({ host }) => host) };
    const [command = 'java', ...rest] = [...(places?.[index]?.enter ?? []), 'java'];
    const prepare = async (): Promise<ServerCommand> => {
      await formatStorage(clusterId, settings, libraries);
      const propertiesFile = join(directory, `${name}.properties`);
      await writeFile(propertiesFile, formatProperties(serverProperties(settings)));
      return {
        name,
        command,
        args: [
          ...rest,
          agentFlag(libraries, jolokiaPort),
          ...JVM_FLAGS,
          ...classArchiveFlags(libraries),
          ...LOG_FLAGS,
          '-cp',
          join(libraries, '*'),
          'kafka.Kafka',
          propertiesFile,
        ],
        directory,
        logFile: await freshLog(directory, name),
        graceS: STOP_GRACE_S,
      };
    };
    const host = places?.[index]?.host ?? LOOPBACK;
    const ports = [port, controllers[index]!, jolokiaPort];
    return { name, host, port, ports, nodeId, dataDirectory, jolokiaPort, prepare };
  });
}

export function redisPlan(directory: string, port: number): ServerPlan {
  const dataDirectory = join(directory, REDIS);
  const settings = {
    port,
    bind: LOOPBACK,
    dir: dataDirectory,
    appendonly: 'no',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const prepare = async (): Promise<ServerCommand> => {
    await mkdir(dataDirectory, { recursive: true });
    return {
      name: REDIS,
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      directory,
      logFile: await freshLog(directory, REDIS),
      graceS: STOP_GRACE_S,
    };
  };
  return { name: REDIS, host: LOOPBACK, port, ports: [port], nodeId: null, dataDirectory, jolokiaPort: null, prepare };
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

/**
 * Formats under another name and renames, so that a format that was killed is never started from. A folder that is there and
 * empty (a mounted disk) is formatted in its place.
 *
 * @throws KitError CLUSTER_ID_MISMATCH: the data is of another cluster
 */
async function formatStorage(
  clusterId: string,
  settings: Parameters<typeof serverProperties>[0],
  libraries: string,
): Promise<void> {
  const { dataDirectory } = settings;
  const entries = await readdir(dataDirectory).catch(() => undefined);
  if (entries !== undefined && entries.length > 0) return assertOfCluster(clusterId, dataDirectory);
  const partial = entries === undefined ? `${dataDirectory}.${randomUUID()}.partial` : dataDirectory;
  const propertiesFile = `${dataDirectory}.${randomUUID()}.properties`;
  try {
    await writeFile(propertiesFile, formatProperties(serverProperties({ ...settings, dataDirectory: partial })));
    const tool = ['kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', propertiesFile];
    const flags = [...JVM_FLAGS, ...classArchiveFlags(libraries)];
    await promisify(execFile)('java', [...flags, '-cp', join(libraries, '*'), ...tool], {
      maxBuffer: 8 * 1024 * 1024,
    });
    if (partial !== dataDirectory) await rename(partial, dataDirectory);
  } catch (error) {
    if (partial !== dataDirectory) await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(propertiesFile, { force: true });
  }
}

async function assertOfCluster(clusterId: string, dataDirectory: string): Promise<void> {
  const file = join(dataDirectory, 'meta.properties');
  const found = /^cluster\.id=(.*)$/m.exec(await readFile(file, 'utf8').catch(() => ''))?.[1]?.trim();
  if (found === undefined || found === clusterId) return;
  throw new KitError(
    'CLUSTER_ID_MISMATCH',
    `${dataDirectory} has the data of cluster ${found}, this one is ${clusterId}; move it away and it begins anew`,
    { details: { dataDirectory, found, expected: clusterId } },
  );
}
