/**
 * A real Kafka for tests. `npm test` starts one for the whole run (scripts/test.ts) and names it in the environment;
 * a file that is run by hand starts its own, smaller one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { startClusterOnFreePorts } from '../../src/cluster/on-free-ports.ts';

export interface TestKafka {
  readonly bootstrap: readonly string[];
  /** To be called once, after the last use. */
  stop(): Promise<void>;
}

export const KAFKA_COMPONENTS = ['java', 'mvn'] as const;

export function testCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'streamsocial');
}

/** Call it in a suite that is skipped by `missing(...KAFKA_COMPONENTS)`. One broker suffices unless the test says more. */
export async function kafkaForTests(options: { brokers?: number } = {}): Promise<TestKafka> {
  const shared = process.env.TEST_KAFKA_BOOTSTRAP;
  if (shared) return { bootstrap: shared.split(','), stop: async () => {} };
  return startTestCluster({ brokers: options.brokers ?? 1, redis: false });
}

/** A Redis that other tests use too: take keys of your own. */
export async function redisForTests(): Promise<{ host: string; port: number; stop(): Promise<void> }> {
  const shared = process.env.TEST_REDIS_PORT;
  if (shared) return { host: '127.0.0.1', port: Number(shared), stop: async () => {} };
  const { launchRedis } = await import('./redis.ts');
  return launchRedis();
}

/** A cluster of the test's own on free ports in a temporary directory, which `stop` removes. */
export async function startTestCluster(options: {
  brokers: number;
  redis: boolean;
  directory?: string;
  onProgress?: (text: string) => void;
}): Promise<Cluster> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'streamsocial-cluster-')));
  const cluster = await startClusterOnFreePorts({
    ...options,
    directory,
    cacheDirectory: testCacheDirectory(),
    startTimeoutMs: 120_000,
  });
  const stop = async (): Promise<void> => {
    await cluster.stop();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  return { ...cluster, stop };
}
