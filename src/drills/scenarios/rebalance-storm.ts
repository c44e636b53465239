import { seededRandom } from '../../domains/social/seeded-random.ts';
import type { Drill } from '../drill.ts';
import { monotonicMs } from '../history/history.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';
import type { ConsumerProcess, Stage } from '../stage.ts';

const STORM_S = 20;
const CHANGE_EVERY_S = 1;
/** Beside the one that stays. */
const MAX_GUESTS = 8;
/** Of those that go, one in so many is killed; it is missed for its whole session. */
const KILL_EVERY = 3;
const LEAVE_MS = 30_000;
const STANDSTILL_S = 15;
const CAUGHT_UP_S = 30;
const MIN_CHANGES = 8;

/** Members come and go every second, some without a word. */
export const rebalanceStorm: Drill = {
  name: 'rebalance-storm',
  proves: 'members come, leave and die every second: partitions have one owner at a time, and progress goes on',
  promises: ['P3', 'P4', 'P6'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 1_500 },

  async run(stage) {
    await stage.kafka();
    await stage.consumer('consumer-0');
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.phase('before', 4);

    const startMs = stage.mark('storm');
    const changes = await storm(stage, startMs + STORM_S * 1_000 * stage.options.scale);
    const overMs = stage.mark('calm');
    await stage.phase('after', 6);
    const loadEndMs = monotonicMs();
    await stage.settle();
    const quietMs = monotonicMs();

    const measured = await stage.measurements();
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        atLeast('members that came or went', MIN_CHANGES * stage.options.scale, changes.total, 'changes'),
        withinSeconds(
          'longest standstill of a partition',
          STANDSTILL_S,
          measured.longestStandstillMs(startMs, loadEndMs),
        ),
        withinSeconds('all applied after the storm', CAUGHT_UP_S, quietMs - overMs),
      ],
      notes: [`${changes.joined} joined, ${changes.left} left, ${changes.killed} were killed`],
    };
  },
};

interface Changes {
  readonly joined: number;
  readonly left: number;
  readonly killed: number;
  readonly total: number;
}

async function storm(stage: Stage, endMs: number): Promise<Changes> {
  const random = seededRandom(stage.options.seed);
  const guests: ConsumerProcess[] = [];
  const underWay: Promise<unknown>[] = [];
  let [joined, left, killed] = [0, 0, 0];
  try {
    while (monotonicMs() < endMs) {
      const present = joined - left - killed;
      const guest = present === MAX_GUESTS || random.next() < 0.5 ? guests.shift() : undefined;
      if (guest === undefined && present < MAX_GUESTS) {
        joined += 1;
        underWay.push(stage.consumer(`consumer-${joined}`).then((ready) => guests.push(ready)));
      } else if (guest !== undefined && (left + killed) % KILL_EVERY === 0) {
        killed += 1;
        await guest.kill();
      } else if (guest !== undefined) {
        left += 1;
        underWay.push(guest.finish(LEAVE_MS));
      }
      underWay.at(-1)?.catch(() => {});
      await stage.phase('storm', CHANGE_EVERY_S / stage.options.scale);
    }
  } finally {
    await Promise.allSettled(underWay);
  }
  await Promise.all(underWay);
  return { joined, left, killed, total: joined + left + killed };
}
