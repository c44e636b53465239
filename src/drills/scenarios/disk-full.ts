import { join } from 'node:path';
import type { ConsumerReport } from '../../pipelines/platform.ts';
import type { Drill } from '../drill.ts';
import { SmallDisk } from '../faults/small-disk.ts';
import { atLeast, holds, none, withinSeconds } from '../report/criteria.ts';
import { GROUP_ID, type Stage } from '../stage.ts';
import { type HttpAnswer, HttpLoad } from '../workers/http-load.ts';
import { HttpWatch, type Sighting } from '../workers/http-watch.ts';
import { UpProcess } from '../workers/up-process.ts';

/** Room for the load of a minute, and little to fill. */
const DISK_BYTES = 64 * 1024 * 1024;
const REFUSED_S = 5;
const NOTICED_S = 15;
const RESUMED_S = 10;
const READ_S = 1;
const WAIT_MS = 60_000;
/** The content with the most events. */
const READ = '/api/v1/engagement/post_0';
const PROBLEM = 'application/problem+json';

/** The embedded platform's disk is full for a while. Writers are told so, readers notice nothing, and no restart is needed. */
export const diskFull: Drill = {
  name: 'disk-full',
  proves: 'embedded: the disk is full: writes are refused and say why, reads go on, and writing resumes by itself',
  promises: ['P2', 'P3', 'P4', 'P6'],
  requires: ['linux', 'root'],
  defaults: { ratePerSecond: 200 },

  async run(stage) {
    const disk = await SmallDisk.mount(join(stage.options.directory, 'small-disk'), DISK_BYTES);
    stage.defer(() => disk.unmount());
    const directory = join(disk.directory, 'platform');
    const server = await UpProcess.start({ name: 'server', directory, kafka: null, groupId: GROUP_ID });
    stage.defer(() => server.kill());
    stage.memory.watch('server', server.pid);
    const watch = (path: string) => watching(stage, server, path);
    const [live, ready, reads] = [watch('/livez'), watch('/readyz'), watch(READ)];
    const load = offering(stage, server);
    await stage.until('service', WAIT_MS, () => [ready, reads].every(({ last }) => last?.status === 200));
    const steadyMs = stage.mark('steady');
    await stage.phase('before', 5);

    disk.fill();
    const fullMs = stage.mark('disk full');
    // the log's file has some room of its own left
    await stage.until('a refusal', WAIT_MS, () => load.answers.some(({ status }) => status === 503));
    await stage.phase('full', 8);
    const leftBytes = disk.freeBytes;
    const freedMs = stage.mark('space freed');
    disk.free();
    const isAfter = ({ invokedMs, status }: HttpAnswer) => invokedMs >= freedMs && status === 201;
    await stage.until('a write', WAIT_MS, () => load.answers.some(isAfter));
    const resumedMs = Math.min(...load.answers.filter(isAfter).map(({ completedMs }) => completedMs));
    stage.mark('writes resumed');
    await stage.until('readiness', WAIT_MS, () => ready.last?.status === 200);
    await stage.phase('after', 4);
    await Promise.all([live, ready, reads].map((one) => one.stop()));
    await load.finish();
    const { uptime_seconds: since } = await consumerReport(server);
    await stage.until('a quiet moment', WAIT_MS, async () => {
      const { uptime_seconds, lag, parked } = await consumerReport(server);
      // a report may be a second old: this one was made after the last answer
      return uptime_seconds > since && lag + parked === 0;
    });
    const ended = await server.end();

    const during = load.answers.filter(({ invokedMs, completedMs }) => invokedMs > fullMs && completedMs < freedMs);
    const refused = during.filter(({ status }) => status !== 201);
    const isRefusal = ({ status, mediaType, retryAfterS }: HttpAnswer) =>
      status === 503 && mediaType === PROBLEM && retryAfterS !== null && retryAfterS >= 1;
    const [no, yes] = readiness(ready.sightings, fullMs, freedMs);
    return {
      criteria: [
        none('bytes left on the full disk', leftBytes),
        atLeast('writes refused', 1, refused.length, 'answers'),
        none('other refusals than 503, problem+json and Retry-After', refused.filter((one) => !isRefusal(one)).length),
        none('refusals that do not name the disk', refused.filter(({ because }) => because !== 'DISK_FULL').length),
        withinSeconds('slowest refusal', REFUSED_S, slowest(refused.map(lengthOf))),
        withinSeconds('writes resumed', RESUMED_S, resumedMs - freedMs),
        withinSeconds('/readyz says no, because of the disk', NOTICED_S, no - fullMs),
        withinSeconds('/readyz says yes again', RESUMED_S, yes - freedMs),
        none('other answers of /livez than 200', live.sightings.filter(({ status }) => status !== 200).length),
        none('reads that failed', failed(reads.sightings, steadyMs)),
        withinSeconds('slowest read', READ_S, slowest(reads.sightings.map(({ tookMs }) => tookMs))),
        holds('the same process ends', 'exit 0', `exit ${ended.code}`, ended.code === 0),
      ],
      notes: [
        `${during.length - refused.length} of ${during.length} writes found room in the log's file while the disk was full`,
      ],
      check: {
        historyFiles: stage.historyFiles,
        log: { kind: 'embedded', directory: join(directory, 'log') },
        stores: { kind: 'sqlite', directory: join(directory, 'projections') },
        groupId: GROUP_ID,
      },
    };
  },
};

function watching(stage: Stage, { url }: UpProcess, path: string): HttpWatch {
  const watch = new HttpWatch(`${url}${path}`);
  stage.defer(() => watch.stop());
  return watch;
}

function offering(stage: Stage, { url }: UpProcess): HttpLoad {
  const { seed, ratePerSecond } = stage.options;
  const historyFile = stage.historyFile('load');
  const load = new HttpLoad({ name: 'load', url, historyFile, seed, ratePerSecond, maxOutstanding: 1_000 });
  stage.defer(() => load.finish());
  load.start();
  return load;
}

async function consumerReport({ url }: UpProcess): Promise<ConsumerReport> {
  return (await (await fetch(`${url}/api/v1/metrics/consumer`)).json()) as ConsumerReport;
}

/** When /readyz first said no for this reason, and first yes after that; never is infinite. */
function readiness(sightings: readonly Sighting[], fullMs: number, freedMs: number): [no: number, yes: number] {
  const at = (found: Sighting | undefined) =>
    found === undefined ? Number.POSITIVE_INFINITY : found.askedMs + found.tookMs;
  const no = sightings.find(
    ({ askedMs, status, text }) => askedMs > fullMs && status === 503 && /DISK_FULL/.test(text),
  );
  const yes = sightings.find(({ askedMs, status }) => askedMs > freedMs && status === 200);
  return [at(no), at(yes)];
}

function failed(sightings: readonly Sighting[], fromMs: number): number {
  return sightings.filter(({ askedMs, status }) => askedMs > fromMs && status !== 200).length;
}

function lengthOf({ invokedMs, completedMs }: HttpAnswer): number {
  return completedMs - invokedMs;
}

function slowest(lengthsMs: readonly number[]): number {
  return Math.max(0, ...lengthsMs);
}
