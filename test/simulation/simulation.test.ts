import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { MUTATIONS } from './mutations.ts';
import { Simulator } from './simulator.ts';
import type { RunResult } from './world.ts';

const SEEDS = 600;
/** Within so many seeds every planted bug has to be found. */
const SEEDS_PER_BUG = 150;

const simulator = new Simulator(2);
after(() => simulator.close());

const failed = (results: readonly RunResult[]) => results.filter(({ violation }) => violation !== null);

test(`${SEEDS} seeds break no invariant`, async () => {
  const results = await simulator.run({ from: 1, seeds: SEEDS });
  assert.equal(results.length, SEEDS);
  assert.deepEqual(
    failed(results).map(({ seed, violation }) => ({ again: `npm run simulate -- --seed ${seed} --trace`, violation })),
    [],
  );
});

test('a seed is the same run every time, in whichever thread, traced or not', async () => {
  const alone = new Simulator(1);
  const hashes = (results: RunResult[]) => results.map(({ seed, hash, tasks }) => ({ seed, hash, tasks }));
  try {
    const once = hashes(await simulator.run({ from: 5_000, seeds: 60 }));
    assert.deepEqual(hashes(await alone.run({ from: 5_000, seeds: 60, trace: true })), once);
    assert.equal(new Set(once.map(({ hash }) => hash)).size, 60);
  } finally {
    await alone.close();
  }
});

describe('a planted bug is found', () => {
  for (const { name } of MUTATIONS) {
    test(name, async () => {
      const results = await simulator.run({ from: 1, seeds: SEEDS_PER_BUG, maxFailures: 1, plant: name });
      assert.notEqual(failed(results).length, 0, `${SEEDS_PER_BUG} seeds noticed nothing`);
    });
  }
});

describe('scripts/simulate.ts', () => {
  const simulate = (...args: string[]) => {
    const script = join(import.meta.dirname, '../../scripts/simulate.ts');
    return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  };

  test('says how to see a failure again, and that shows the same', () => {
    const plant = 'store without de-duplication';
    const { status, stdout } = simulate('--from', '1', '--seeds', '25', '--threads', '1', '--plant', plant);
    assert.equal(status, 1, stdout);
    const [, seed, what] = /✖ seed (\d+) breaks (.+)\n {2}again: npm run simulate -- --seed \1 --trace --plant/.exec(
      stdout,
    )!;
    const again = simulate('--seed', seed!, '--trace', '--plant', plant);
    assert.equal(again.status, 1);
    assert.ok(again.stdout.includes(`breaks ${what}`));
    assert.match(again.stdout, /VIOLATION/);
  });

  test('ends with 0 where nothing fails, with 2 on a wrong argument', () => {
    assert.equal(simulate('--seed', '1').status, 0);
    assert.equal(simulate('--seeds', 'many').status, 2);
  });
});
