import { metadataQuorum } from '../broker-views.ts';
import type { Drill } from '../drill.ts';
import { monotonicMs } from '../history/history.ts';
import { atLeast, holds, none, withinSeconds } from '../report/criteria.ts';
import { serverOf } from '../stage.ts';

const ELECTION_S = 5;
const RECOVERY_S = 10;
const GAP_S = 15;
const KEPT_PERCENT = 80;
const WAIT_MS = 60_000;

/** The active controller is killed; as every node is broker too, a third of the leaders goes with it. */
export const controllerKill: Drill = {
  name: 'controller-kill',
  proves: 'the active controller is killed under load: another one takes over, and then the leaders it took along move',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 5_000 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    const beforeMs = await stage.steady(4, 6);

    const old = (await metadataQuorum(cluster.bootstrap))!;
    const victim = serverOf(old.leaderId);
    const survivors = cluster.bootstrap.filter((_, index) => index + 1 !== old.leaderId);
    await cluster.kill(victim);
    const faultMs = stage.mark(`${victim} killed`);
    let elected = old;
    await stage.until('a new controller', WAIT_MS, async () => {
      const now = await metadataQuorum(survivors);
      if (now !== null && now.leaderId !== old.leaderId) elected = now;
      return elected !== old;
    });
    const electedMs = monotonicMs() - faultMs;
    stage.mark(`${serverOf(elected.leaderId)} is the controller`);
    await stage.phase('without the old one', 10);
    const restartMs = stage.mark(`${victim} started again`);
    await cluster.start(victim);
    await stage.untilInSync(WAIT_MS);
    await stage.settle();

    const measured = await stage.measurements();
    const kept = measured.keptPercent(beforeMs, faultMs, restartMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('a new controller', ELECTION_S, electedMs),
        holds(
          'its epoch',
          `above ${old.leaderEpoch}`,
          String(elected.leaderEpoch),
          elected.leaderEpoch > old.leaderEpoch,
        ),
        withinSeconds('recovery', RECOVERY_S, measured.recoveryMs(faultMs, restartMs)),
        atLeast('throughput while it is away', KEPT_PERCENT, kept, '% of before'),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs)),
      ],
    };
  },
};
