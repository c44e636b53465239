import type { Drill } from '../drill.ts';
import { readHistory } from '../history/read-history.ts';
import { atLeast, none, withinSeconds } from '../report/criteria.ts';

const MOVE_S = 10;
const REJOIN_S = 10;
const WAIT_MS = 60_000;
/** So that the victim has retries of its own in hand when it is paused, which are due when it goes on. */
const FLAKY_PER_SECOND = 2;
const FLAKY_DELAY_MS = 1_000;
const MIN_PARKED = 2;
/** A zombie whose call to Redis was cut off by the pause hears that it is one before it can try another: then nothing is refused. */
const ROUNDS = 3;
/** As a share of the rounds: a short drill ends when as many zombies have tried to write. */
const roundsThatCount = (scale: number) => Math.max(1, Math.round(ROUNDS * scale));

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
    const resumedMs: number[] = [];
    let [longestMoveMs, longestRejoinMs] = [0, 0];
    const historyFile = stage.historyFile('consumer-2');
    let counted = 0;
    for (let round = 1; round <= ROUNDS && counted < roundsThatCount(stage.options.scale); round++) {
      await stage.until('parked events of the victim', WAIT_MS, () => (victim.progress?.parked ?? 0) >= MIN_PARKED);
      victim.pause();
      const pausedMs = stage.mark('consumer-2 paused');
      await stage.until('the partitions to move', WAIT_MS, () => partitionsOf(survivor) === all);
      longestMoveMs = Math.max(longestMoveMs, stage.mark('partitions moved') - pausedMs);
      await stage.phase('one owner', 3);

      victim.resume();
      resumedMs.push(stage.mark('consumer-2 resumed'));
      // what the victim says first is what it believed before; that the survivor has fewer is the group's word
      await stage.until('the zombie to join again', WAIT_MS, () => {
        const others = partitionsOf(survivor);
        return others < all && others + partitionsOf(victim) === all;
      });
      longestRejoinMs = Math.max(longestRejoinMs, stage.mark('shared again') - resumedMs.at(-1)!);
      await stage.phase('after', 4);
      const tried = await zombieTransactions(historyFile, resumedMs.slice(-1));
      if (tried.refused + tried.accepted > 0) counted += 1;
    }
    await stage.settle();

    const measured = await stage.measurements();
    const { refused, accepted } = await zombieTransactions(historyFile, resumedMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        withinSeconds('partitions owned again', MOVE_S, longestMoveMs),
        atLeast('refused to the zombie', 1, refused, 'transactions'),
        none('accepted from the zombie', accepted),
        withinSeconds('joined again, with partitions', REJOIN_S, longestRejoinMs),
      ],
    };
  },
};

/** Those that it began after it was resumed and before it was given partitions anew. */
async function zombieTransactions(
  historyFile: string,
  resumedMs: readonly number[],
): Promise<{ readonly refused: number; readonly accepted: number }> {
  const begun: { group: string; invokedMs: number; outcome: string }[] = [];
  const assigned: { group: string; invokedMs: number }[] = [];
  for await (const entry of readHistory([historyFile])) {
    if (entry.kind === 'apply') begun.push(entry);
    if (entry.kind === 'assigned') assigned.push(entry);
  }
  const asZombie = begun.filter(({ group, invokedMs }) => {
    const resumed = resumedMs.findLast((atMs) => atMs < invokedMs);
    if (resumed === undefined) return false;
    return !assigned.some((each) => each.group === group && each.invokedMs > resumed && each.invokedMs <= invokedMs);
  });
  const count = (...outcomes: string[]) => asZombie.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return { refused: count('fenced', 'mismatch'), accepted: count('ok') };
}
