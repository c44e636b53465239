import type { Drill } from '../drill.ts';
import { monotonicMs } from '../history/history.ts';
import { none, seconds, withinSeconds } from '../report/criteria.ts';

const GAP_S = 5;
const IN_SYNC_MS = 60_000;

/** What an upgrade does: every broker is asked to end, started and waited for, one after the other. */
export const rollingRestart: Drill = {
  name: 'rolling-restart',
  proves: 'every broker is restarted in turn under load: every event is acknowledged, and no partition rests for long',
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 3_000 },

  async run(stage) {
    const { cluster } = await stage.kafka();
    await stage.consumer('consumer-1');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.phase('before', 4);

    const firstMs = monotonicMs();
    const notes: string[] = [];
    for (const server of cluster.servers.filter((name) => name.startsWith('kafka-'))) {
      const askedMs = stage.mark(`${server} asked to end`);
      await cluster.kill(server, 'SIGTERM');
      const endedMs = stage.mark(`${server} started again`);
      await cluster.start(server);
      const answersMs = monotonicMs();
      await stage.until(`${server} in every ISR`, IN_SYNC_MS, () => stage.isFullyReplicated());
      const inSyncMs = stage.mark(`${server} in sync`);
      const [down, up, sync] = [endedMs - askedMs, answersMs - endedMs, inSyncMs - answersMs].map(seconds);
      notes.push(`${server}: ${down} s to end, ${up} s to answer again, ${sync} s to be in every ISR`);
    }
    await stage.phase('after', 2);
    await stage.settle();

    const measured = await stage.measurements();
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(firstMs)),
      ],
      notes,
    };
  },
};
