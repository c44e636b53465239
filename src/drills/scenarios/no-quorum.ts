import { join } from 'node:path';
import { metadataQuorum } from '../broker-views.ts';
import type { Criterion, Drill } from '../drill.ts';
import { atLeast, holds, none, withinSeconds } from '../report/criteria.ts';
import { GROUP_ID, type Stage } from '../stage.ts';
import { type HttpAnswer, HttpLoad } from '../workers/http-load.ts';
import { HttpWatch, type Sighting } from '../workers/http-watch.ts';
import { UpProcess } from '../workers/up-process.ts';

const REFUSED_S = 5;
const NOTICED_S = 5;
const RESUMED_S = 10;
const READ_S = 2;
const ENDED_S = 10;
const WAIT_MS = 60_000;
/** The content with the most events. */
const READ = '/api/v1/engagement/post_0';
/** What was on its way when the brokers died may still have been acknowledged. */
const ON_ITS_WAY_MS = 100;
const PROBLEM = 'application/problem+json';

/** Two of three brokers are down: nothing can be acknowledged. Clients are told so, and need not be told when it is over. */
export const noQuorum: Drill = {
  name: 'no-quorum',
  proves: 'two of three brokers down: writes are refused in time, reads go on, and writing resumes by itself',
  promises: ['P1', 'P3', 'P4', 'P9', 'P11'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 200 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    const server = await up(stage, 'server');
    const idle = await up(stage, 'idle-server');
    const { seed, ratePerSecond } = stage.options;
    const load = httpLoad(stage, server, { seed, ratePerSecond });
    const watch = (path: string) => httpWatch(stage, server, path);
    const [live, ready, reads] = [watch('/livez'), watch('/readyz'), watch(READ)];
    const idleReady = httpWatch(stage, idle, '/readyz');
    await stage.until('service', WAIT_MS, () => [ready, reads, idleReady].every(({ last }) => last?.status === 200));
    const steadyMs = stage.mark('steady');
    await stage.phase('before', 5);

    const { busiest, controller } = await stage.leaders();
    const victims = [controller, busiest];
    await Promise.all(victims.map((victim) => cluster.kill(victim)));
    const faultMs = stage.mark(`${victims.join(' and ')} killed`);
    await stage.phase('no quorum', 5);
    await idleReady.stop();
    const idleLoad = httpLoad(stage, idle, { seed: seed + 1, ratePerSecond: ratePerSecond / 4 });
    await stage.phase('no quorum', 1);
    const ending = idle.end();
    stage.mark(`${idle.name} is idle no more, and asked to end`);
    await stage.phase('no quorum', 6);
    const ended = await ending;
    await idleLoad.finish();

    const restartMs = stage.mark(`${victims.join(' and ')} started again`);
    const starting = Promise.all(victims.map((victim) => cluster.start(victim)));
    starting.catch(() => {});
    await stage.until('a controller', WAIT_MS, async () => (await metadataQuorum(cluster.bootstrap)) !== null);
    const quorumMs = stage.mark('quorum');
    const isAfter = ({ completedMs, status }: HttpAnswer) => completedMs >= quorumMs && status === 201;
    await stage.until('a write', WAIT_MS, () => load.answers.some(isAfter));
    const resumedMs = load.answers.find(isAfter)!.completedMs;
    stage.mark('writes resumed');
    await starting;
    await stage.until('readiness', WAIT_MS, () => ready.last?.status === 200);
    await stage.until('all replicas in sync', WAIT_MS, () => stage.isFullyReplicated());
    await stage.phase('after', 3);
    await Promise.all([live, ready, reads].map((one) => one.stop()));
    await load.finish();
    await stage.settle();

    const during = load.answers.filter(
      ({ invokedMs, completedMs }) =>
        invokedMs > faultMs && completedMs > faultMs + ON_ITS_WAY_MS && completedMs < restartMs,
    );
    const isRefusal = ({ status, mediaType, retryAfterS }: HttpAnswer) =>
      status === 503 && mediaType === PROBLEM && retryAfterS !== null && retryAfterS >= 1;
    const slowestMs = Math.max(...during.map(({ invokedMs, completedMs }) => completedMs - invokedMs));
    return {
      criteria: [
        atLeast('writes answered without quorum', 1, during.length, 'answers'),
        none('other answers than 503, problem+json and Retry-After', during.filter((one) => !isRefusal(one)).length),
        withinSeconds('slowest of them', REFUSED_S, slowestMs),
        withinSeconds('writes resumed after quorum', RESUMED_S, resumedMs - quorumMs),
        ...readiness(ready.sightings, faultMs, restartMs, quorumMs),
        withinSeconds(
          '/readyz of an idle server says no',
          NOTICED_S,
          noticedMs(idleReady.sightings, faultMs) - faultMs,
        ),
        none('other answers of /livez than 200', live.sightings.filter(({ status }) => status !== 200).length),
        withinSeconds('slowest answer of /livez', READ_S, slowest(live.sightings)),
        none(
          'reads that failed',
          reads.sightings.filter(({ askedMs, status }) => askedMs > steadyMs && status !== 200).length,
        ),
        withinSeconds('slowest read', READ_S, slowest(reads.sightings)),
        holds('SIGTERM without quorum', 'exit 0', `exit ${ended.code}`, ended.code === 0),
        withinSeconds('its shutdown', ENDED_S, ended.tookMs),
      ],
      notes: [codes(during)],
    };
  },
};

async function up(stage: Stage, name: string): Promise<UpProcess> {
  const { cluster, redis } = await stage.kafka();
  const directory = join(stage.options.directory, name);
  const started = await UpProcess.start({
    name,
    directory,
    kafka: { bootstrap: cluster.bootstrap, redis },
    groupId: GROUP_ID,
  });
  stage.defer(() => started.kill());
  stage.memory.watch(name, started.pid);
  return started;
}

function httpLoad(stage: Stage, { name, url }: UpProcess, how: { seed: number; ratePerSecond: number }): HttpLoad {
  const historyFile = stage.historyFile(`load-of-${name}`);
  const load = new HttpLoad({ name: `load-of-${name}`, url, historyFile, ...how, maxOutstanding: 1_000 });
  stage.defer(() => load.finish());
  load.start();
  return load;
}

function httpWatch(stage: Stage, server: UpProcess, path: string): HttpWatch {
  const watch = new HttpWatch(`${server.url}${path}`);
  stage.defer(() => watch.stop());
  return watch;
}

/** Not ready, with reasons, from soon after the fault until quorum at least; then ready again. */
function readiness(sightings: readonly Sighting[], faultMs: number, restartMs: number, quorumMs: number): Criterion[] {
  const fromMs = noticedMs(sightings, faultMs);
  const wrong = sightings.filter(
    ({ askedMs, tookMs, status, text }) =>
      askedMs > fromMs && askedMs + tookMs < restartMs && (status !== 503 || !/"reasons":\["/.test(text)),
  );
  const again = sightings.find(({ askedMs, status }) => askedMs > quorumMs && status === 200);
  return [
    withinSeconds('/readyz says no', NOTICED_S, fromMs - faultMs),
    none('other answers until quorum', wrong.length),
    withinSeconds('/readyz says yes after quorum', RESUMED_S, (again?.askedMs ?? Number.POSITIVE_INFINITY) - quorumMs),
    withinSeconds('slowest answer of /readyz', REFUSED_S, slowest(sightings)),
  ];
}

function noticedMs(sightings: readonly Sighting[], faultMs: number): number {
  const first = sightings.find(({ askedMs, status }) => askedMs > faultMs && status === 503);
  return first === undefined ? Number.POSITIVE_INFINITY : first.askedMs + first.tookMs;
}

function slowest(sightings: readonly Sighting[]): number {
  return sightings.reduce((most, { tookMs }) => Math.max(most, tookMs), 0);
}

function codes(answers: readonly HttpAnswer[]): string {
  const counts = [...Map.groupBy(answers, ({ status, code }) => `${status ?? 'no answer'} ${code ?? ''}`)];
  return `answers without quorum: ${counts.map(([answer, all]) => `${all.length} x ${answer}`).join(', ')}`;
}
