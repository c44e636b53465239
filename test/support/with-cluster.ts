/**
 * `node test/support/with-cluster.ts COMMAND [ARGUMENT...]` runs the command with three Kafka brokers and a Redis of its
 * own, named in TEST_KAFKA_BOOTSTRAP and TEST_REDIS_PORT, and ends with its exit code. Without java or mvn it runs the
 * command alone: the tests that need them skip by name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { KAFKA_COMPONENTS, startTestCluster } from './cluster.ts';
import { missing } from './requirements.ts';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('with-cluster.ts needs a command');

let cluster: Cluster | undefined;
if (missing(...KAFKA_COMPONENTS) === undefined) {
  const redis = missing('redis-server') === undefined;
  cluster = await startTestCluster({ brokers: 3, redis, onProgress: (text) => console.error(`cluster: ${text}`) });
}
const child = spawn(command, args, {
  stdio: 'inherit',
  env: {
    ...process.env,
    ...(cluster && { TEST_KAFKA_BOOTSTRAP: cluster.bootstrap.join(',') }),
    ...(cluster?.redis && { TEST_REDIS_PORT: String(cluster.redis.port) }),
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const [code] = await once(child, 'exit');
await cluster?.stop();
process.exitCode = code ?? 1;
