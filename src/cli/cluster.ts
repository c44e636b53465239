import { join } from 'node:path';
import type { Command } from 'commander';
import { isInstalled } from '../cluster/artifacts.ts';
import { type ClusterOptions, startCluster } from '../cluster/cluster.ts';
import { exitReason } from '../cluster/exit-reason.ts';
import { healCluster, stopCluster } from '../cluster/remote-control.ts';
import type { ClusterReport } from '../cluster/report.ts';
import type { ServerExit } from '../cluster/server.ts';
import { cacheDirectory } from '../config/cache-directory.ts';
import { isKitError, KitError } from '../kit/errors.ts';
import { clusterHealthVerb } from './cluster-health.ts';
import { serverVerbs } from './cluster-servers.ts';
import { statusText, statusVerb } from './cluster-status.ts';
import { print } from './output.ts';
import { untilSignal } from './signals.ts';
import { integer, type VerbContext } from './verbs.ts';

export function clusterVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('cluster').description('a development cluster: Apache Kafka in KRaft mode, and Redis');
  const directory = () => join(context.loaded.settings.dataDir, 'cluster');

  context
    .verb(
      noun,
      'up',
      'start three brokers and Redis, and keep them until Ctrl-C; of one that runs, start what has ended',
    )
    .option('--base-port <n>', 'port of the first broker', integer(1, 65_000), 9092)
    .option('--brokers <n>', 'brokers', integer(1, 9), 3)
    .option('--no-redis', 'without Redis')
    .action(async (flags: { basePort: number; brokers: number; redis: boolean }) => {
      const redis = flags.redis && (await isInstalled('redis-server', '--version'));
      if (flags.redis && !redis)
        process.stderr.write('redis-server is not installed: starting without it (streamsocial doctor)\n');
      try {
        await keepUp({
          directory: directory(),
          cacheDirectory: cacheDirectory(),
          basePort: flags.basePort,
          brokers: flags.brokers,
          redis,
          redisPort: context.loaded.settings.redisPort,
          onProgress: progress,
        });
      } catch (error) {
        if (!isHalfDead(error)) throw error;
        const started = await healCluster(directory(), progress);
        print(`healed: ${started.join(', ')} ${started.length === 1 ? 'runs' : 'run'} again`);
      }
    });

  statusVerb(noun, context, directory);
  clusterHealthVerb(noun, context);

  context.verb(noun, 'down', 'stop the cluster that another terminal started').action(async () => {
    print((await stopCluster(directory())) ? 'stopped' : 'nothing was running');
  });

  serverVerbs(noun, context, directory);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Until a signal, `cluster down`, or the end of its last server. @throws KitError CLUSTER_ENDED, and those of `startCluster` */
async function keepUp(options: ClusterOptions): Promise<void> {
  const nothingLeft = Promise.withResolvers<ServerExit>();
  const onServerExit: ClusterOptions['onServerExit'] = (exit) => {
    const told = exit.asked ? Promise.resolve() : tellExit(exit);
    if (exit.left === 0) told.then(() => nothingLeft.resolve(exit));
  };
  const cluster = await startCluster({ ...options, onServerExit });
  const signal = untilSignal();
  print(statusText(await cluster.describe()));
  const port = cluster.redis === null ? '' : ` --redis-port ${cluster.redis.port}`;
  print(`\nuse it:  streamsocial up --log kafka -b ${cluster.bootstrap.join(',')}${port}\nCtrl-C stops it`);
  const last = await Promise.race([signal, nothingLeft.promise]);
  await cluster.stop();
  if (last?.asked === false)
    throw new KitError(
      'CLUSTER_ENDED',
      `every server has ended, ${last.server} last; their logs are in ${join(options.directory, 'logs')}`,
    );
}

async function tellExit(exit: ServerExit): Promise<void> {
  const { server, logFile } = exit;
  const { text, lines } = await exitReason(exit);
  const argument = server.replace('kafka-', '');
  print([`${server} ${text}`, ...lines, `its log: ${logFile}`].join('\n  '));
  print(`start it again:  streamsocial cluster start ${argument}`);
}

function isHalfDead(error: unknown): boolean {
  if (!isKitError(error, 'CLUSTER_RUNNING')) return false;
  const { servers = [] } = error.details as Partial<ClusterReport>;
  return servers.some(({ alive }) => !alive);
}
