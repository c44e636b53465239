import { join } from 'node:path';
import { type SeededRandom, seededRandom } from '../../domains/social/seeded-random.ts';
import type { Drill } from '../drill.ts';
import { EmbeddedGround } from '../embedded-ground.ts';
import { compileShim } from '../faults/power-loss/compile-shim.ts';
import { type DiskState, inspectDisk } from '../faults/power-loss/disk-state.ts';
import { SurvivingApplies } from '../faults/power-loss/surviving-applies.ts';
import { UnsyncedWrites } from '../faults/power-loss/unsynced-writes.ts';
import { monotonicMs } from '../history/history.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

const CYCLES = 20;
const MIN_CYCLES = 5;
const SHORTEST_MS = 100;
const LONGEST_MS = 1_500;
/** Of the kills, after how many the power stays: the next process finds unsynced writes, and loses them in its turn. */
const POWER_STAYS = 0.2;
/** Of the losses of power, in how many nothing unsynced survives. In the others, of every sector it is a matter of chance. */
const ALL_LOST = 0.4;
const RESTART_S = 10;
/** A cycle, on average: enough that every kill finds something under way. */
const MIN_ACKNOWLEDGED = 500;

/** The embedded platform is killed again and again under load, and its disk forgets what was not fsynced. */
export const powerLoss: Drill = {
  name: 'power-loss',
  proves: 'embedded: what was acknowledged survives kill -9 and the loss of every write that was not fsynced',
  promises: ['P2', 'P3', 'P4', 'P6', 'P11'],
  requires: ['linux', 'c-compiler'],
  defaults: { ratePerSecond: 5_000 },

  async run(stage) {
    const { seed, scale, directory, cacheDirectory, sabotage } = stage.options;
    const random = seededRandom(seed);
    const ground = new EmbeddedGround(stage);
    const unsynced = new UnsyncedWrites({
      library: await compileShim(cacheDirectory),
      directory: ground.directory,
      journals: join(directory, 'journals'),
      ignoreSync: sabotage === 'no-fsync',
    });
    const cycles = Math.max(MIN_CYCLES, Math.round(CYCLES * scale));
    const total = { losses: 0, withLoss: 0, unsyncedBytes: 0, droppedBytes: 0, takenBack: 0 };
    const applies = new SurvivingApplies();
    const damages: string[] = [];
    const ahead: string[] = [];
    let slowestStartMs = 0;

    for (let cycle = 1; cycle <= cycles && damages.length + ahead.length === 0; cycle++) {
      const startMs = monotonicMs();
      const platform = await ground.start({}, unsynced.env());
      slowestStartMs = Math.max(slowestStartMs, monotonicMs() - startMs);
      platform.send({ do: 'start' });
      await stage.pause(SHORTEST_MS + random.next() * (LONGEST_MS - SHORTEST_MS));
      await platform.kill();
      if (cycle < cycles && random.next() < POWER_STAYS) {
        stage.mark(`kill ${cycle}`);
        continue;
      }
      stage.mark(`loss ${cycle}`);
      const lost = unsynced.losePower(modeOf(random, seed + cycle));
      total.losses += 1;
      total.withLoss += lost.droppedBytes > 0 ? 1 : 0;
      total.unsyncedBytes += lost.unsyncedBytes;
      total.droppedBytes += lost.droppedBytes;
      const disk = inspectDisk(ground.directory, join(directory, 'copy'));
      damages.push(...disk.damages);
      ahead.push(...aheadOfLog(disk));
      total.takenBack += await applies.keep(ground.appliesFiles.splice(0), disk.positions);
    }
    // with such files the platform cannot be started again, and there is nothing more to be asked of it
    const usable = damages.length + ahead.length === 0;
    if (usable) await ground.settle(await ground.start());

    const { acknowledged } = await stage.measurements();
    return {
      criteria: [
        atLeast('losses of power', Math.floor(cycles / 2), total.losses, `of ${cycles} kills`),
        atLeast('that took something', Math.ceil(total.losses / 2), total.withLoss, 'losses'),
        atLeast('unsynced writes dropped', 1, Math.round(total.droppedBytes / 1024), 'KiB'),
        atLeast('events acknowledged', MIN_ACKNOWLEDGED * cycles, acknowledged, 'events'),
        none('damages found in the files', damages.length),
        none('projections ahead of the log', ahead.length),
        withinSeconds('slowest start after a kill', RESTART_S, slowestStartMs),
      ],
      notes: [
        `${Math.round(total.unsyncedBytes / 1024).toLocaleString('en-US')} KiB were written and not fsynced at the losses`,
        `${total.takenBack.toLocaleString('en-US')} transactions of the projections were taken back, and repeated from the log`,
        ...[...damages, ...ahead].slice(0, 10),
      ],
      ...(usable ? { check: ground.checkTarget() } : {}),
    };
  },
};

/** How many sectors there are is a matter of timing, so they have a source of chance of their own. */
function modeOf({ next, pick }: SeededRandom, seed: number): Parameters<UnsyncedWrites['losePower']>[0] {
  return next() < ALL_LOST ? {} : { random: seededRandom(seed).next, sectorBytes: pick([512, 4096]) };
}

/** Of what is not in the log, nothing can have been processed. */
function aheadOfLog({ ends, positions }: DiskState): string[] {
  return [...positions].flatMap(([place, { next }]) => {
    const end = ends.get(place) ?? 0;
    return next > end ? [`${place} is processed up to ${next}, and the log ends at ${end}`] : [];
  });
}
