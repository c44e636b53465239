import type { Drill } from '../drill.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

const GAP_S = 15;
const REJOIN_S = 30;
const KEPT_PERCENT = 80;

/** The grey failure: a leader keeps its connections and answers nobody; then it goes on as if nothing had been. */
export const brokerFreeze: Drill = {
  name: 'broker-freeze',
  proves:
    'the leader of most partitions freezes under load and wakes up: the others take over, nothing is lost or doubled',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 10_000 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    await stage.consumer('consumer-1');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.phase('warming up', 4);
    const beforeMs = stage.mark('steady');
    await stage.phase('before', 8);

    const { byLoad, controller } = await stage.leaders();
    const victim = byLoad.find((server) => server !== controller)!;
    cluster.pause(victim);
    const faultMs = stage.mark(`${victim} frozen`);
    await stage.phase('frozen', 12);
    cluster.resume(victim);
    const wokenMs = stage.mark(`${victim} woken`);
    const rejoinedMs = await stage.until('all replicas in sync', REJOIN_S * 2_000, () => stage.isFullyReplicated());
    stage.mark('in sync');
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    const before = measured.throughput(beforeMs, faultMs);
    const during = measured.throughput(faultMs, wokenMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs, Number.POSITIVE_INFINITY)),
        atLeast('throughput while it is frozen', KEPT_PERCENT, (during / before) * 100, '% of before'),
        withinSeconds('back in every ISR', REJOIN_S, rejoinedMs),
      ],
      notes: [
        `service as usual again ${(measured.recoveryMs(faultMs, wokenMs) / 1000).toFixed(1)} s after the freeze`,
        `longest gap after it woke: ${(measured.longestGapMs(wokenMs, Number.POSITIVE_INFINITY) / 1000).toFixed(1)} s`,
      ],
    };
  },
};
