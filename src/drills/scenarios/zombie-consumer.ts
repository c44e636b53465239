import type { Drill } from '../drill.ts';
import { monotonicMs } from '../history/history.ts';
import { readHistory } from '../history/read-history.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

const MOVE_S = 10;
const REJOIN_S = 10;
const WAIT_MS = 60_000;
/** So that the victim has retries of its own in hand when it is paused, which are due when it goes on. */
const FLAKY_PER_SECOND = 2;
const FLAKY_DELAY_MS = 1_000;
const MIN_PARKED = 2;

/** A consuming process is stopped for longer than its session and goes on as if nothing had been: the zombie. */
export const zombieConsumer: Drill = {
  name: 'zombie-consumer',
  proves: 'a consumer paused past its session: what it still holds is refused, and it joins again',
  promises: ['P3', 'P4', 'P6'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 3_000 },

  async run(stage) {
    await stage.kafka();
    const flaky = { flakyShare: FLAKY_PER_SECOND / stage.options.ratePerSecond, flakyDelayMs: FLAKY_DELAY_MS };
    const survivor = await stage.consumer('consumer-1', flaky);
    const victim = await stage.consumer('consumer-2', flaky);
    const partitionsOf = (consumer: typeof victim) => consumer.progress?.partitions ?? 0;
    const load = await stage.load();
    load.send({ do: 'start' });
    await stage.until('an even share', WAIT_MS, () => partitionsOf(victim) > 0 && partitionsOf(survivor) > 0);
    await stage.phase('before', 5);

    const all = partitionsOf(survivor) + partitionsOf(victim);
    await stage.until('parked events of the victim', WAIT_MS, () => (victim.progress?.parked ?? 0) >= MIN_PARKED);
    victim.pause();
    const pausedMs = stage.mark('consumer-2 paused');
    await stage.until('the partitions to move', WAIT_MS, () => partitionsOf(survivor) === all);
    const movedMs = stage.mark('partitions moved');
    await stage.phase('one owner', 3);

    victim.resume();
    const resumedMs = stage.mark('consumer-2 resumed');
    // what the victim says first is what it believed before; that the survivor has fewer is the group's word
    await stage.until('the zombie to join again', WAIT_MS, () => {
      const others = partitionsOf(survivor);
      return others < all && others + partitionsOf(victim) === all;
    });
    const rejoinedMs = monotonicMs() - resumedMs;
    stage.mark('shared again');
    await stage.phase('after', 4);
    await stage.settle();

    const measured = await stage.measurements();
    const { refused, accepted } = await zombieTransactions(stage.historyFile('consumer-2'), resumedMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('partitions owned again', MOVE_S, movedMs - pausedMs),
        atLeast('refused to the zombie', 1, refused, 'transactions'),
        none('accepted from the zombie', accepted),
        withinSeconds('joined again, with partitions', REJOIN_S, rejoinedMs),
      ],
    };
  },
};

/** Those that it began after it was resumed and before it was given partitions anew. */
async function zombieTransactions(
  historyFile: string,
  resumedMs: number,
): Promise<{ readonly refused: number; readonly accepted: number }> {
  const begun: { group: string; invokedMs: number; outcome: string }[] = [];
  const assignedMs = new Map<string, number>();
  for await (const entry of readHistory([historyFile])) {
    if (entry.kind === 'apply' && entry.invokedMs > resumedMs) begun.push(entry);
    if (entry.kind === 'assigned' && entry.invokedMs > resumedMs && !assignedMs.has(entry.group))
      assignedMs.set(entry.group, entry.invokedMs);
  }
  const asZombie = begun.filter(({ group, invokedMs }) => invokedMs < (assignedMs.get(group) ?? Infinity));
  const count = (...outcomes: string[]) => asZombie.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return { refused: count('fenced', 'mismatch'), accepted: count('ok') };
}
