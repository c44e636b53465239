import { isQuiet, logEnds } from '../../pipelines/quiet.ts';
import { deadLettersBesidePoison } from '../dead-letters.ts';
import type { Drill } from '../drill.ts';
import { readHistory } from '../history/read-history.ts';
import { atLeast, none } from '../report/criteria.ts';
import { type ConsumerProcess, GROUP_ID, type Stage } from '../stage.ts';

/** P5 of docs/DESIGN.md. */
const CONSUMER = 'consumer-1';
const KEPT_PERCENT = 80;
const POISON_SHARE = 0.1;
const BACKLOG_EVENTS = 120_000;
/** Brokers and a consumer that have just begun are slow. */
const WARM_UP_EVENTS = 60_000;
/** In turn, and the fastest of each kind counts: what else the machine does can only make one slower. */
const PAIRS = 3;
const MAX_OUTSTANDING = 20_000;
const FILL_MS = 120_000;
const APPLY_MS = 120_000;
const FINISH_MS = 30_000;
/** Stopped while a backlog is made, the consumer keeps its partitions. */
const SESSION_MS = 300_000;
/** Of a backlog's records: before, the consumer connects anew; after, some partitions are done already. */
const MEASURED_FROM = 0.2;
const MEASURED_TO = 0.95;
/** Backlogs have events of their own. */
const SEEDS_APART = 1_000;

/** Backlogs of equal size, with and without unreadable records, are applied at full speed and compared. */
export const poisonFlood: Drill = {
  name: 'poison-flood',
  proves: 'a tenth of the interactions cannot be read: they are set aside, and the others go on almost as fast',
  promises: ['P5', 'P6'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 40_000 },

  async run(stage) {
    const { log } = await stage.kafka();
    const events = Math.round(BACKLOG_EVENTS * stage.options.scale);
    const consumer = await stage.consumer(CONSUMER, { flakyShare: 0, sessionTimeoutMs: SESSION_MS });
    const apply = (name: string, size: number, poisonShare: number) =>
      applyBacklog(stage, consumer, { name, size, poisonShare });
    await apply('warm-up', WARM_UP_EVENTS, POISON_SHARE);
    const healthy: number[] = [];
    const poisoned: number[] = [];
    for (let pair = 1; pair <= PAIRS; pair++) {
      healthy.push(await apply(`healthy-${pair}`, events, 0));
      poisoned.push(await apply(`poisoned-${pair}`, events, POISON_SHARE));
    }
    await stage.settle();

    const measured = await stage.measurements();
    const deadLetters = await deadLettersBesidePoison(log, stage.historyFiles);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        atLeast(
          'throughput with poison',
          KEPT_PERCENT,
          (Math.max(...poisoned) / Math.max(...healthy)) * 100,
          '% of without',
        ),
        atLeast('unreadable records', 1, deadLetters.poison, 'records'),
        none('of them not dead-lettered', deadLetters.missing),
        none('dead letters of healthy events', deadLetters.others),
      ],
      notes: [
        `records a second without poison: ${inTurn(healthy)}; with it: ${inTurn(poisoned)}`,
        `measured from ${MEASURED_FROM * 100} to ${MEASURED_TO * 100} % of each backlog of ${events.toLocaleString('en-US')} events`,
      ],
    };
  },
};

interface Backlog {
  readonly name: string;
  /** Events. */
  readonly size: number;
  readonly poisonShare: number;
}

/** Fills the log while the consumer is stopped, and lets it loose. @returns records a second */
async function applyBacklog(
  stage: Stage,
  consumer: ConsumerProcess,
  { name, size, poisonShare }: Backlog,
): Promise<number> {
  const { log, projections } = await stage.kafka();
  const seed = stage.options.seed + SEEDS_APART * stage.loads.length;
  const load = await stage.load({ name, seed, poisonShare, maxEvents: size, maxOutstanding: MAX_OUTSTANDING });
  consumer.pause();
  load.send({ do: 'start' });
  await stage.until(`the ${name} backlog`, FILL_MS, () => (load.progress?.acked ?? 0) >= size);
  await load.finish(FINISH_MS);
  const ends = await logEnds(log);
  const startMs = stage.mark(`${name} begins`);
  consumer.resume();
  await stage.until(`${name} to be applied`, APPLY_MS, () => isQuiet(projections, ends));
  stage.mark(`${name} ends`);
  return speedSince(startMs, stage.historyFile(CONSUMER));
}

async function speedSince(startMs: number, historyFile: string): Promise<number> {
  const applies: { readonly atMs: number; readonly records: number }[] = [];
  for await (const entry of readHistory([historyFile])) {
    if (entry.kind !== 'apply' || entry.group !== GROUP_ID || entry.outcome !== 'ok') continue;
    if (entry.invokedMs < startMs) continue;
    applies.push({ atMs: entry.completedMs!, records: entry.offsets.length + entry.dead });
  }
  applies.sort((a, b) => a.atMs - b.atMs);
  const total = applies.reduce((sum, { records }) => sum + records, 0);
  let done = 0;
  const within = applies.filter(({ records }) => {
    done += records;
    return done >= total * MEASURED_FROM && done <= total * MEASURED_TO;
  });
  const records = within.slice(1).reduce((sum, apply) => sum + apply.records, 0);
  return (records / (within.at(-1)!.atMs - within[0]!.atMs)) * 1000;
}

function inTurn(speeds: readonly number[]): string {
  return speeds.map((speed) => Math.round(speed).toLocaleString('en-US')).join(', ');
}
