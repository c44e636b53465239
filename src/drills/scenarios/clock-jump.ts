import type { Drill, DrillOutcome } from '../drill.ts';
import { EmbeddedGround } from '../embedded-ground.ts';
import { readHistory } from '../history/read-history.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';
import type { Stage } from '../stage.ts';
import type { Command } from '../workers/worker-spec.ts';

const HOUR_MS = 3_600_000;
/** Forward, back to where it was, and behind. */
const JUMPS_MS = [HOUR_MS, -HOUR_MS, -HOUR_MS];
const STALL_S = 5;
/** Of events that fail twice: delays of at most 0.2 and 0.4 s by the policy, and what is in front of them. */
const RETRIED_S = 5;
const FLAKY_SHARE = 0.002;
/** Longer than the time between two jumps: events come again when the clock has jumped in between. */
const REPEATS = { repeatShare: 0.05, repeatAfterMs: 7_000 };

/** Three brokers; the clocks of load and consumers jump, those of the brokers do not. */
export const clockJump: Drill = {
  name: 'clock-jump',
  proves: 'the clock is set by an hour, forward and back: nothing stalls, repeats are known, retries come in time',
  promises: ['P1', 'P3', 'P4', 'P6'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 2_000 },

  async run(stage) {
    const consumer = await stage.consumer('consumer-1', { flakyShare: FLAKY_SHARE });
    const load = await stage.load(REPEATS);
    load.send({ do: 'start' });
    const { steadyMs, endMs } = await jumps(stage, [consumer, load]);
    await stage.settle();
    return { criteria: await criteria(stage, steadyMs, endMs) };
  },
};

/** The same with everything in one process. */
export const clockJumpEmbedded: Drill = {
  name: 'clock-jump-embedded',
  proves: 'embedded: the same, with log, projections and load in the process whose clock is set',
  promises: ['P2', 'P3', 'P4', 'P6'],
  requires: [],
  defaults: { ratePerSecond: 2_000 },

  async run(stage) {
    const ground = new EmbeddedGround(stage);
    const platform = await ground.start({ flakyShare: FLAKY_SHARE, ...REPEATS });
    platform.send({ do: 'start' });
    const { steadyMs, endMs } = await jumps(stage, [platform]);
    await ground.settle(platform);
    return { criteria: await criteria(stage, steadyMs, endMs), check: ground.checkTarget() };
  },
};

/** @returns between which moments the clock jumped */
async function jumps(stage: Stage, processes: readonly { send(command: Command): void }[]) {
  await stage.phase('warming up', 5);
  const steadyMs = stage.mark('steady');
  for (const byMs of JUMPS_MS) {
    for (const process of processes) process.send({ do: 'jump-clock', byMs });
    stage.mark(`clock set by ${byMs / HOUR_MS} h`);
    await stage.phase('after a jump', 6);
  }
  return { steadyMs, endMs: stage.mark('no more jumps') };
}

async function criteria(stage: Stage, steadyMs: number, endMs: number): Promise<DrillOutcome['criteria']> {
  const measured = await stage.measurements();
  const { longestParkedMs, retried, ownershipsLost } = await fates(stage, steadyMs, endMs);
  return [
    none('publishes not acknowledged', measured.unacknowledged),
    withinSeconds('longest gap of a partition', STALL_S, measured.longestGapMs(steadyMs, endMs)),
    withinSeconds('longest standstill of a projection', STALL_S, measured.longestStandstillMs(steadyMs, endMs)),
    none('partitions given up by the group', ownershipsLost),
    atLeast('events retried', 1, retried, 'events'),
    withinSeconds('longest wait of one for its retries', RETRIED_S, longestParkedMs),
  ];
}

/** What became of parked events, and of memberships while the clock jumped. */
async function fates(stage: Stage, steadyMs: number, endMs: number) {
  const parkedMs = new Map<string, number>();
  let longestParkedMs = 0;
  let retried = 0;
  let ownershipsLost = 0;
  for await (const entry of readHistory(stage.historyFiles)) {
    if (entry.kind === 'revoked' || entry.kind === 'lost') {
      if (entry.invokedMs > steadyMs && entry.invokedMs < endMs) ownershipsLost += entry.partitions.length;
    }
    if (entry.kind !== 'apply' || entry.outcome !== 'ok' || entry.completedMs === null) continue;
    const nameOf = (offset: number) => `${entry.group} ${entry.topic}/${entry.partition}@${offset}`;
    for (const offset of entry.parked) {
      if (!parkedMs.has(nameOf(offset))) parkedMs.set(nameOf(offset), entry.completedMs);
    }
    for (const offset of entry.unparked) {
      retried += 1;
      longestParkedMs = Math.max(
        longestParkedMs,
        entry.completedMs - (parkedMs.get(nameOf(offset)) ?? entry.completedMs),
      );
    }
  }
  return { longestParkedMs, retried, ownershipsLost };
}
