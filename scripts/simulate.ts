/**
 * `npm run simulate [-- --seeds N --from SEED | --seed SEED [--trace]]`: deterministic simulation, see docs/simulation.md.
 * Exits with 1 when a seed breaks an invariant, with 2 on a wrong argument.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTATIONS } from '../test/simulation/mutations.ts';
import { Simulator } from '../test/simulation/simulator.ts';
import type { RunResult } from '../test/simulation/world.ts';

const USAGE = `npm run simulate -- [--seeds N] [--from SEED] [--threads N] [--plant BUG]
npm run simulate -- --seed SEED [--trace] [--plant BUG]

  --seeds    how many seeds, default 10,000
  --from     the first of them, default: drawn at random
  --threads  default: one per core
  --seed     one seed again; --trace prints what happens in it
  --plant    with a planted bug: ${MUTATIONS.map(({ name }) => `"${name}"`).join(', ')}`;
const MAX_SEED = 2 ** 48;

process.exitCode = await main();

async function main(): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const startedAt = performance.now();
  const simulator = new Simulator(wanted.threads);
  const results = await simulator.run({ ...wanted, onProgress: progress(wanted.seeds) });
  await simulator.close();
  const seconds = (performance.now() - startedAt) / 1000;
  if (wanted.trace) for (const { lines } of results) console.log(lines.join('\n'));
  const failures = results.filter(({ violation }) => violation !== null);
  for (const failure of failures) console.log(report(failure, wanted.plant));
  if (wanted.seeds === 1) console.log(`seed ${wanted.from}: trace hash ${results[0]!.hash}`);
  console.log(summary(results, failures.length, seconds));
  return failures.length === 0 ? 0 : 1;
}

function readArguments() {
  const number = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seeds: number,
      from: number,
      seed: number,
      threads: number,
      plant: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const { seed, plant, trace } = values;
  if (plant !== undefined && !MUTATIONS.some(({ name }) => name === plant))
    throw new Error(`no bug is called "${plant}"`);
  if (trace && seed === undefined) throw new Error('--trace needs --seed');
  const cores = String(availableParallelism());
  return {
    from: whole(seed === undefined ? '--from' : '--seed', seed ?? values.from ?? drawn(), 0),
    seeds: seed === undefined ? whole('--seeds', values.seeds ?? '10000', 1) : 1,
    trace,
    ...(plant !== undefined && { plant }),
    threads: seed === undefined ? whole('--threads', values.threads ?? cores, 1) : 1,
  };
}

function drawn(): string {
  return String(Math.floor(Math.random() * 2 ** 32));
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > MAX_SEED) {
    throw new Error(`${name} takes a whole number from ${least} to ${MAX_SEED}, not ${text}`);
  }
  return value;
}

/** A line that is written over, on a terminal only. */
function progress(seeds: number): (done: number, failures: number) => void {
  const startedAt = performance.now();
  return (done, failures) => {
    if (!process.stderr.isTTY) return;
    const rate = Math.round(done / ((performance.now() - startedAt) / 1000));
    process.stderr.write(`\r${done} of ${seeds} seeds, ${rate}/s, ${failures} failed `);
    if (done === seeds) process.stderr.write('\n');
  };
}

function report({ seed, violation }: RunResult, plant: string | undefined): string {
  const planted = plant === undefined ? '' : ` --plant "${plant}"`;
  return `✖ seed ${seed} breaks ${violation!.invariant}: ${violation!.message}
  again: npm run simulate -- --seed ${seed} --trace${planted}`;
}

function summary(results: readonly RunResult[], failures: number, seconds: number): string {
  const total = (count: (result: RunResult) => number) => results.reduce((sum, result) => sum + count(result), 0);
  const hours = (total(({ virtualMs }) => virtualMs) / 3_600_000).toFixed(1);
  const rate = Math.round(results.length / seconds);
  const range = `seeds ${results[0]!.seed} to ${results.at(-1)!.seed}`;
  return (
    `${failures === 0 ? '✔' : '✖'} ${results.length} seeds, ${failures} failed, in ${seconds.toFixed(1)} s (${rate}/s): ` +
    `${range}, ${total(({ tasks }) => tasks)} steps, ${hours} hours of virtual time`
  );
}
