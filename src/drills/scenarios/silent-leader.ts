import type { DrillOutcome } from '../drill.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';
import type { Stage } from '../stage.ts';

export interface Silence {
  /** What it is meanwhile, e.g. `frozen`. */
  readonly word: string;
  begin(server: string): Promise<void> | void;
  end(server: string): Promise<void> | void;
}

const GAP_S = 15;
const REJOIN_S = 30;
const KEPT_PERCENT = 80;

/** The leader of most partitions lives and hears nobody for a while, and no connection of its is closed. Then it is back. */
export async function silentLeader(stage: Stage, { word, begin, end }: Silence): Promise<DrillOutcome> {
  await stage.consumer('consumer-1');
  const load = await stage.load();
  load.send({ do: 'start' });
  await stage.phase('warming up', 4);
  const beforeMs = stage.mark('steady');
  await stage.phase('before', 8);

  // what losing a controller costs is another drill's question
  const { byLoad, controller } = await stage.leaders();
  const victim = byLoad.find((server) => server !== controller)!;
  await begin(victim);
  const faultMs = stage.mark(`${victim} ${word}`);
  await stage.phase(word, 12);
  await end(victim);
  const backMs = stage.mark(`${victim} back`);
  const rejoinedMs = await stage.until('all replicas in sync', REJOIN_S * 2_000, () => stage.isFullyReplicated());
  stage.mark('in sync');
  await stage.phase('after', 4);
  await stage.settle();

  const measured = await stage.measurements();
  const kept = measured.throughput(faultMs, backMs) / measured.throughput(beforeMs, faultMs);
  const gapMs = (fromMs: number): number => measured.longestGapMs(fromMs, Number.POSITIVE_INFINITY);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  return {
    criteria: [
      none('publishes not acknowledged', measured.unacknowledged),
      withinSeconds('longest gap of a partition', GAP_S, gapMs(faultMs)),
      atLeast(`throughput while it is ${word}`, KEPT_PERCENT, kept * 100, '% of before'),
      withinSeconds('back in every ISR', REJOIN_S, rejoinedMs),
    ],
    notes: [
      `service as usual again ${seconds(measured.recoveryMs(faultMs, backMs))} s after it fell silent`,
      `longest gap after it was back: ${seconds(gapMs(backMs))} s`,
    ],
  };
}
