import { join } from 'node:path';
import type { Command } from 'commander';
import { isInstalled } from '../cluster/artifacts.ts';
import { type ClusterReport, clusterStatus, startCluster, stopCluster } from '../cluster/cluster.ts';
import { cacheDirectory } from '../config/cache-directory.ts';
import { KitError } from '../kit/errors.ts';
import { EXIT, print, printJson, table } from './output.ts';
import { untilSignal } from './signals.ts';
import { integer, type VerbContext } from './verbs.ts';

export function clusterVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('cluster').description('a development cluster: Apache Kafka in KRaft mode, and Redis');
  const directory = () => join(context.loaded.settings.dataDir, 'cluster');

  context
    .verb(noun, 'up', 'start three brokers and Redis, and keep them until Ctrl-C')
    .option('--base-port <n>', 'port of the first broker', integer(1, 65_000), 9092)
    .option('--brokers <n>', 'brokers', integer(1, 9), 3)
    .option('--no-redis', 'without Redis')
    .action(async (flags: { basePort: number; brokers: number; redis: boolean }) => {
      const redis = flags.redis && (await isInstalled('redis-server', '--version'));
      if (flags.redis && !redis)
        process.stderr.write('redis-server is not installed: starting without it (streamsocial doctor)\n');
      const cluster = await startCluster({
        directory: directory(),
        cacheDirectory: cacheDirectory(),
        basePort: flags.basePort,
        brokers: flags.brokers,
        redis,
        redisPort: context.loaded.settings.redisPort,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      const signal = untilSignal();
      print(reportText(await cluster.describe()));
      const port = cluster.redis === null ? '' : ` --redis-port ${cluster.redis.port}`;
      print(`\nuse it:  streamsocial up --log kafka -b ${cluster.bootstrap.join(',')}${port}\nCtrl-C stops it`);
      const ended = await Promise.race([signal, cluster.ended]);
      await cluster.stop();
      if (ended !== undefined)
        throw new KitError('CLUSTER_ENDED', `${ended} ended by itself; its log is in ${join(directory(), 'logs')}`);
    });

  context
    .verb(noun, 'status', 'what runs; exit code 3 when nothing does')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      const report = await clusterStatus(directory());
      if (report === undefined)
        throw new KitError('UNREACHABLE', `no cluster runs in ${directory()} (streamsocial cluster up)`);
      if (flags.json) printJson(report);
      else print(reportText(report));
      if (report.servers.some(({ answers }) => !answers)) process.exitCode = EXIT.failed;
    });

  context.verb(noun, 'down', 'stop the cluster that another terminal started').action(async () => {
    print((await stopCluster(directory())) ? 'stopped' : 'nothing was running');
  });
}

function reportText({ servers }: ClusterReport): string {
  return table(
    ['server', 'address', 'pid', 'state', 'log'],
    servers.map(({ name, port, pid, alive, answers, logFile }) => [
      name,
      `127.0.0.1:${port}`,
      String(pid),
      answers ? 'answers' : alive ? 'silent' : 'gone',
      logFile,
    ]),
  );
}
