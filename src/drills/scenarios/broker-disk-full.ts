import { join } from 'node:path';
import type { Drill } from '../drill.ts';
import { SmallDisk } from '../faults/small-disk.ts';
import { monotonicMs } from '../history/history.ts';
import { atLeast, holds, none, seconds, withinSeconds } from '../report/criteria.ts';

const VICTIM = 'kafka-2';
/** Room for the load of a minute, and little to fill. */
const DISK_BYTES = 128 * 1024 * 1024;
const NOTICED_S = 10;
const GAP_S = 15;
const REJOIN_S = 30;
const KEPT_PERCENT = 80;
const WAIT_MS = 60_000;

/** One broker's disk is full. It cannot be kept on, nor be lied to about it: it ends, and comes back once there is room. */
export const brokerDiskFull: Drill = {
  name: 'broker-disk-full',
  proves: "one broker's disk is full: it ends and says why, the others go on, and with some room it catches up",
  promises: ['P1', 'P3', 'P4', 'P6', 'P8'],
  requires: ['kafka', 'redis', 'linux', 'root'],
  defaults: { ratePerSecond: 3_000 },

  async run(stage) {
    const disk = await SmallDisk.mount(join(stage.options.directory, 'cluster', 'data-3', VICTIM), DISK_BYTES);
    stage.defer(() => disk.unmount());
    const { cluster } = await stage.kafka();
    const beforeMs = await stage.steady(4, 6);

    disk.fill();
    const faultMs = stage.mark(`the disk of ${VICTIM} is full`);
    await stage.until(`the end of ${VICTIM}`, WAIT_MS, () => cluster.pid(VICTIM) === null);
    const endedMs = monotonicMs() - faultMs;
    stage.mark(`${VICTIM} ended`);
    const { servers } = await cluster.describe();
    const reason = servers.find(({ name }) => name === VICTIM)?.ended ?? 'not told';
    await stage.phase('without it', 8);
    disk.free();
    const restartMs = stage.mark(`space freed, ${VICTIM} started again`);
    await cluster.start(VICTIM);
    const rejoinedMs = await stage.untilInSync(REJOIN_S * 2_000);
    await stage.phase('after', 3);
    await stage.settle();

    const measured = await stage.measurements();
    const kept = measured.keptPercent(beforeMs, faultMs, restartMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('the broker ends', NOTICED_S, endedMs),
        holds('why, as the launcher tells', 'its disk is full', reason, /disk is full/.test(reason)),
        withinSeconds('longest gap of a partition', GAP_S, measured.longestGapMs(faultMs)),
        atLeast('throughput while it is away', KEPT_PERCENT, kept, '% of before'),
        withinSeconds('back in every ISR', REJOIN_S, rejoinedMs),
      ],
      notes: [`service as usual again ${seconds(measured.recoveryMs(faultMs, restartMs))} s after it was full`],
    };
  },
};
