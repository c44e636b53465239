import type { DrillOutcome } from '../drill.ts';
import { atLeast, none, seconds, withinSeconds } from '../report/criteria.ts';
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
  const beforeMs = await stage.steady(4, 8);
  const { busiest: victim } = await stage.leaders();
  await begin(victim);
  const faultMs = stage.mark(`${victim} ${word}`);
  await stage.phase(word, 12);
  await end(victim);
  const backMs = stage.mark(`${victim} back`);
  const rejoinedMs = await stage.untilInSync(REJOIN_S * 2_000);
  await stage.phase('after', 4);
  await stage.settle();

  const measured = await stage.measurements();
  const kept = measured.keptPercent(beforeMs, faultMs, backMs);
  return {
    criteria: [
      none('publishes not acknowledged', measured.unacknowledged),
      withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs)),
      atLeast(`throughput while it is ${word}`, KEPT_PERCENT, kept, '% of before'),
      withinSeconds('back in every ISR', REJOIN_S, rejoinedMs),
    ],
    notes: [
      `service as usual again ${seconds(measured.recoveryMs(faultMs, backMs))} s after it fell silent`,
      `longest gap after it was back: ${seconds(measured.longestGapMs(backMs))} s`,
    ],
  };
}
