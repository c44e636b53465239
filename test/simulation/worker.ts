/** A thread that does nothing but run seeds: while one runs, its sources of time and chance are the seed's. */
import { parentPort } from 'node:worker_threads';
import { MUTATIONS } from './mutations.ts';
import type { Violation } from './oracle.ts';
import { type RunResult, runSeed } from './world.ts';

export interface Task {
  readonly from: number;
  readonly seeds: number;
  /** Ends early after so many failing seeds. */
  readonly maxFailures: number;
  /** Name of a planted bug. */
  readonly plant?: string;
  readonly trace?: boolean;
}

const port = parentPort!;
let stray: Violation | null = null;

process.on('unhandledRejection', (reason) => {
  const message = reason instanceof Error ? String(reason.stack) : String(reason);
  stray ??= { invariant: 'no-stray-error', message: `a rejection that nobody handles: ${message}` };
});

port.on('message', async (task: Task) => port.postMessage(await run(task)));

async function run({ from, seeds, maxFailures, plant, trace = false }: Task): Promise<RunResult[]> {
  const mutation = MUTATIONS.find(({ name }) => name === plant);
  const results: RunResult[] = [];
  let failures = 0;
  for (let seed = from; seed < from + seeds && failures < maxFailures; seed++) {
    stray = null;
    const result = await runSeed({ seed, trace, ...(mutation && { mutation }) });
    // Node tells of unhandled rejections when it has nothing else to do.
    await new Promise((resolve) => setImmediate(resolve));
    const violation = result.violation ?? stray;
    if (violation !== null) failures++;
    results.push({ ...result, violation });
  }
  return results;
}
