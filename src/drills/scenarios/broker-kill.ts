import type { Drill } from '../drill.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

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
    await stage.consumer('consumer-1');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.phase('warming up', 5);
    const beforeMs = stage.mark('steady');
    await stage.phase('before', 12);

    // what losing a controller costs is another drill's question
    const { byLoad, controller } = await stage.leaders();
    const victim = byLoad.find((server) => server !== controller)!;
    await cluster.kill(victim);
    const faultMs = stage.mark(`${victim} killed`);
    await stage.phase('without the leader', 15);
    const restartMs = stage.mark(`${victim} started again`);
    await cluster.start(victim);
    const rejoinedMs = await stage.until('all replicas in sync', REJOIN_MS, () => stage.isFullyReplicated());
    stage.mark('in sync');
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    const before = measured.throughput(beforeMs, faultMs);
    const during = measured.throughput(faultMs, restartMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('recovery', RECOVERY_S, measured.recoveryMs(faultMs, restartMs)),
        atLeast('throughput while it is away', KEPT_PERCENT, (during / before) * 100, '% of before'),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs, Number.POSITIVE_INFINITY)),
      ],
      notes: [
        `${Math.round(before).toLocaleString('en-US')} events/s acknowledged before, ${Math.round(during).toLocaleString('en-US')} events/s while it was away`,
        `${victim} was back in every ISR ${(rejoinedMs / 1000).toFixed(1)} s after it answered again`,
      ],
    };
  },
};
