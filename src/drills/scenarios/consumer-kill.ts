import type { Drill } from '../drill.ts';
import { monotonicMs } from '../history/history.ts';
import { none, withinSeconds } from '../report/criteria.ts';

const MOVE_S = 10;
const MOVE_LIMIT_MS = 60_000;

/** One of two consuming processes is killed; the other one takes its partitions over, from where the projection is. */
export const consumerKill: Drill = {
  name: 'consumer-kill',
  proves: 'a killed consumer: its partitions move, and what it had begun is counted once',
  promises: ['P3', 'P4', 'P6', 'P11'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 3_000 },

  async run(stage) {
    await stage.kafka();
    const survivor = await stage.consumer('consumer-1');
    const victim = await stage.consumer('consumer-2');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.until('an even share', MOVE_LIMIT_MS, () => (victim.progress?.partitions ?? 0) > 0);
    await stage.until('work of the victim', MOVE_LIMIT_MS, () => (victim.progress?.applied ?? 0) > 0);
    await stage.phase('before', 6);

    const all = (survivor.progress?.partitions ?? 0) + (victim.progress?.partitions ?? 0);
    await victim.kill();
    const faultMs = stage.mark('consumer-2 killed');
    await stage.until('the partitions to move', MOVE_LIMIT_MS, () => survivor.progress?.partitions === all);
    const movedMs = monotonicMs() - faultMs;
    stage.mark('partitions moved');
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('partitions owned again', MOVE_S, movedMs),
      ],
    };
  },
};
