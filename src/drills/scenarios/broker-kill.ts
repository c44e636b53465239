import type { Drill } from '../drill.ts';
import { atLeast, none, seconds, withinSeconds } from '../report/criteria.ts';

const RECOVERY_S = 5;
const GAP_S = 15;
const KEPT_PERCENT = 80;
const REJOIN_MS = 120_000;

/** The course's failover test: a leader dies under load; it is started again later. */
export const brokerKill: Drill = {
  name: 'broker-kill',
  proves: 'the leader of most partitions is killed under load: no event lost or doubled, and service goes on',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 10_000 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    const beforeMs = await stage.steady(5, 12);
    const { busiest: victim } = await stage.leaders();
    await cluster.kill(victim);
    const faultMs = stage.mark(`${victim} killed`);
    await stage.phase('without the leader', 15);
    const restartMs = stage.mark(`${victim} started again`);
    await cluster.start(victim);
    const rejoinedMs = await stage.untilInSync(REJOIN_MS);
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    const before = measured.throughput(beforeMs, faultMs);
    const during = measured.throughput(faultMs, restartMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('recovery', RECOVERY_S, measured.recoveryMs(faultMs, restartMs)),
        atLeast(
          'throughput while it is away',
          KEPT_PERCENT,
          measured.keptPercent(beforeMs, faultMs, restartMs),
          '% of before',
        ),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs)),
      ],
      notes: [
        `${Math.round(before).toLocaleString('en-US')} events/s acknowledged before, ${Math.round(during).toLocaleString('en-US')} events/s while it was away`,
        `${victim} was back in every ISR ${seconds(rejoinedMs)} s after it answered again`,
      ],
    };
  },
};
