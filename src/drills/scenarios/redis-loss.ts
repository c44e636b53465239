import { isKitError } from '../../kit/errors.ts';
import { type RedisAddress, RedisConnection } from '../../kit/stores/redis.ts';
import { isQuiet, logEnds } from '../../pipelines/quiet.ts';
import { STORE_RESET } from '../checker/check.ts';
import type { Drill } from '../drill.ts';
import { none, seconds, withinSeconds } from '../report/criteria.ts';

const EVENTS = 1_000_000;
/** P10 of docs/DESIGN.md, of a million events. */
const REBUILD_S = 60;
const FLUSHED_AT_SHARE = 0.1;
const AWAY_S = 1;
/** Of the fill, which goes as fast as the log takes it. */
const MAX_OUTSTANDING = 20_000;
/** A busy key that waits for a retry holds up thousands of its events at this speed; a few of them are enough. */
const FLAKY_SHARE = 0.00002;
const FILL_MS = 180_000;
const REBUILD_MS = 300_000;

/** The projections lose everything, twice: flushed under load, and then with the server. The log has it all. */
export const redisLoss: Drill = {
  name: 'redis-loss',
  proves: 'Redis is flushed, later it dies with its data: a million events are applied again from the log, once',
  promises: ['P3', 'P6', 'P10', 'P12'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 40_000 },

  async run(stage) {
    const { cluster, log, redis, projections } = await stage.kafka();
    await stage.consumer('consumer-1', { flakyShare: FLAKY_SHARE });
    const events = Math.round(EVENTS * stage.options.scale);
    const load = await stage.load({ maxEvents: events, maxOutstanding: MAX_OUTSTANDING });
    const acked = (): number => load.progress?.acked ?? 0;
    load.send({ do: 'start' });
    await stage.until('a part of the events', FILL_MS, () => acked() >= events * FLUSHED_AT_SHARE);
    stage.mark(STORE_RESET);
    await flush(redis);

    await stage.until('all events in the log', FILL_MS, () => acked() >= events);
    const ends = await logEnds(log);
    const isCaughtUp = () => isQuiet(projections, ends).catch(whileAway);
    await stage.until('a quiet moment', REBUILD_MS, isCaughtUp);

    const lostMs = stage.mark(STORE_RESET);
    await cluster.kill('redis');
    await stage.phase('without redis', AWAY_S);
    await cluster.start('redis');
    stage.mark('redis started again');
    await stage.until('the projections to be rebuilt', REBUILD_MS, isCaughtUp);
    const rebuiltMs = stage.mark('rebuilt') - lostMs;
    await stage.settle();

    const inLog = [...ends.values()].flat().reduce((sum, end) => sum + end, 0);
    return {
      criteria: [
        none('publishes not acknowledged', (await stage.measurements()).unacknowledged),
        withinSeconds('rebuilt, for a million events', REBUILD_S, (rebuiltMs / inLog) * EVENTS),
      ],
      notes: [
        `${inLog.toLocaleString('en-US')} events were rebuilt in ${seconds(rebuiltMs)} s, Redis' absence included`,
      ],
    };
  },
};

async function flush(address: RedisAddress): Promise<void> {
  const connection = await RedisConnection.open(address);
  try {
    await connection.run((redis) => redis.flushall());
  } finally {
    await connection.close();
  }
}

/** The harness's own connection comes back a little later than Redis. */
function whileAway(error: unknown): boolean {
  if (isKitError(error, 'STORE_UNAVAILABLE')) return false;
  throw error;
}
