import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Task } from './worker.ts';
import type { RunResult } from './world.ts';

export interface SimulationOptions {
  readonly from: number;
  readonly seeds: number;
  /** Begins no more seeds after so many have failed; those under way still end. Default 10. */
  readonly maxFailures?: number;
  /** Name of a planted bug. */
  readonly plant?: string;
  readonly trace?: boolean;
  readonly onProgress?: (done: number, failures: number) => void;
}

/** Seeds handed to a thread at a time. */
const SHARE = 25;

/** Threads that run seeds. */
export class Simulator {
  readonly #workers: readonly Worker[];

  constructor(threads = availableParallelism()) {
    this.#workers = Array.from({ length: threads }, () => new Worker(new URL('./worker.ts', import.meta.url)));
  }

  /** Runs `seeds` seeds from `from` on. @returns one result per seed that was run, by ascending seed */
  async run(options: SimulationOptions): Promise<RunResult[]> {
    const { from, seeds, maxFailures = 10, plant, trace = false, onProgress } = options;
    const end = from + seeds;
    const results: RunResult[] = [];
    let next = from;
    let failures = 0;
    const work = async (worker: Worker): Promise<void> => {
      while (next < end && failures < maxFailures) {
        const task: Task = {
          from: next,
          seeds: Math.min(SHARE, end - next),
          maxFailures: maxFailures - failures,
          trace,
          ...(plant !== undefined && { plant }),
        };
        next += task.seeds;
        const done = await ask(worker, task);
        results.push(...done);
        failures += done.filter(({ violation }) => violation !== null).length;
        onProgress?.(results.length, failures);
      }
    };
    await Promise.all(this.#workers.map(work));
    return results.sort((a, b) => a.seed - b.seed);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, task: Task): Promise<RunResult[]> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (results: RunResult[]) => {
      worker.off('error', reject);
      resolve(results);
    });
    worker.postMessage(task);
  });
}
