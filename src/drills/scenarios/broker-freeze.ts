import type { Drill } from '../drill.ts';
import { silentLeader } from './silent-leader.ts';

/** The grey failure: a leader keeps its connections and answers nobody; then it goes on as if nothing had been. */
export const brokerFreeze: Drill = {
  name: 'broker-freeze',
  proves: 'the leader of most partitions freezes and wakes up: the others take over, nothing is lost or doubled',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 10_000 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    return silentLeader(stage, {
      word: 'frozen',
      begin: (server) => cluster.pause(server),
      end: (server) => cluster.resume(server),
    });
  },
};
