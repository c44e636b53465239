import type { Drill } from '../drill.ts';
import { BridgedNetwork } from '../faults/bridged-network.ts';
import { silentLeader } from './silent-leader.ts';

const BROKERS = 3;

/** A leader's cable is pulled while it lives and takes itself for the leader; later it is plugged in again. */
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
    return silentLeader(stage, {
      word: 'cut off',
      begin: (server) => network.cut(cluster.servers.indexOf(server)),
      end: (server) => network.join(cluster.servers.indexOf(server)),
    });
  },
};
