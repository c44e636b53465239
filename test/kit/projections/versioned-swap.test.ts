import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Process, World } from './versioned-world.ts';

const SEEDS = 60;
const RECORDS = 60;
const CHAOS_TURNS = 3_000;
const MAX_TURNS = 60_000;

/** Owners come, go and crash, rebuilds follow each other; then everyone is left alone. */
async function play(seed: number): Promise<World> {
  const world = new World(seed, RECORDS);
  const { random } = world;
  const running: Promise<void>[] = [];
  const start = (work: (process: Process) => Promise<void>, rebuilds: boolean, chanceOfCrash: number): void => {
    const process = { crashed: false, rebuilds };
    running.push(work(process));
    if (random.chance(chanceOfCrash)) {
      world.after(random.between(10, 1_500), () => {
        process.crashed = true;
        world.crashes++;
      });
    }
  };
  const owner = (chanceOfCrash: number): void => {
    const partition = random.between(0, world.facts.length - 1);
    start((process) => world.own(process, partition), false, chanceOfCrash);
  };
  const rebuild = (chanceOfCrash: number): void => {
    const where = random.chance(0.75) ? 'beside' : 'in place';
    const [compare, swap, keep] = [random.chance(0.3), random.chance(0.8), random.chance(0.3)];
    start((process) => world.rebuild(process, { where, compare, swap, keep }), true, chanceOfCrash);
  };
  for (let began = 0; began < 4; began++) owner(0.5);
  for (let began = 0; began < 8; began++) world.after(random.between(0, CHAOS_TURNS), () => rebuild(0.4));
  for (let began = 0; began < 4; began++) world.after(random.between(0, CHAOS_TURNS), () => owner(0.5));
  const failed = Promise.all(running).then(() => {});
  await Promise.race([failed, world.until(() => false, CHAOS_TURNS)]);
  for (const partition of world.facts.keys()) start((process) => world.own(process, partition), false, 0);
  const settled = await Promise.race([
    Promise.all(running).then(() => false),
    world.until(() => world.settled(), MAX_TURNS),
  ]);
  world.end();
  assert.ok(settled, `seed ${seed}: never settled`);
  return world;
}

describe('a versioned projection', () => {
  it('counts every fact once, whatever is rebuilt, swapped and crashes meanwhile', async () => {
    const seen = { swapped: 0, inPlace: 0, compared: 0, gaveUp: 0, crashes: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = await play(seed);
      assert.deepEqual(
        [...world.found()].sort(),
        [...world.expected()].sort(),
        `seed ${seed}: version ${world.pointer.live}, outcomes ${JSON.stringify(world.outcomes)}`,
      );
      seen.crashes += world.crashes;
      for (const outcome of world.outcomes) {
        if (typeof outcome === 'string') seen.gaveUp++;
        else if (outcome.swapped) seen[outcome.version === 1 ? 'inPlace' : 'swapped']++;
        if (typeof outcome !== 'string' && outcome.comparison !== null) {
          seen.compared++;
          assert.equal(outcome.comparison.differing, 0, `seed ${seed}: ${JSON.stringify(outcome.comparison)}`);
        }
      }
    }
    // a run in which nothing happened would prove nothing
    assert.ok(
      Object.values(seen).every((count) => count > SEEDS / 10),
      JSON.stringify(seen),
    );
  });
});
