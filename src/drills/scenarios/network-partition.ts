import type { Drill } from '../drill.ts';
import { BridgedNetwork } from '../faults/bridged-network.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

const BROKERS = 3;
const GAP_S = 15;
const REJOIN_S = 30;
const KEPT_PERCENT = 80;

/** A leader's cable is pulled: it lives, and hears nobody. Later it is plugged in again. */
export const networkPartition: Drill = {
  name: 'network-partition',
  proves: 'a leader is cut off from brokers and clients while it lives, and comes back: nothing is lost or doubled',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis', 'network-namespaces'],
  ownNetwork: true,
  defaults: { ratePerSecond: 5_000 },

  async run(stage) {
    const network = await BridgedNetwork.open(BROKERS);
    stage.defer(() => network.close());
    const { cluster } = await stage.kafka({ places: network.places });
    await stage.consumer('consumer-1');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.phase('warming up', 4);
    const beforeMs = stage.mark('steady');
    await stage.phase('before', 6);

    const { byLoad, controller } = await stage.leaders();
    const victim = byLoad.find((server) => server !== controller)!;
    const index = cluster.servers.indexOf(victim);
    await network.cut(index);
    const faultMs = stage.mark(`${victim} cut off`);
    await stage.phase('cut off', 12);
    await network.join(index);
    const joinedMs = stage.mark(`${victim} reachable again`);
    const rejoinedMs = await stage.until('all replicas in sync', REJOIN_S * 2_000, () => stage.isFullyReplicated());
    stage.mark('in sync');
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    const before = measured.throughput(beforeMs, faultMs);
    const during = measured.throughput(faultMs, joinedMs);
    const gapMs = (fromMs: number): number => measured.longestGapMs(fromMs, Number.POSITIVE_INFINITY);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('longest gap of a partition', GAP_S, gapMs(faultMs)),
        atLeast('throughput while it is cut off', KEPT_PERCENT, (during / before) * 100, '% of before'),
        withinSeconds('back in every ISR', REJOIN_S, rejoinedMs),
      ],
      notes: [
        `service as usual again ${(measured.recoveryMs(faultMs, joinedMs) / 1000).toFixed(1)} s after the cut`,
        `longest gap after it came back: ${(gapMs(joinedMs) / 1000).toFixed(1)} s`,
      ],
    };
  },
};
