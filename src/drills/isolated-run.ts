/** A drill in a process with a network of its own: it may cut links there, and the machine's network is not touched. */
import { kafkaLibraries } from '../cluster/artifacts.ts';
import { runInProcess } from './drill-process.ts';
import type { FinishedDrill } from './report/report.ts';
import type { RunOptions } from './run-options.ts';

/** The network ends with the last process in it. @throws KitError as `runInProcess` and `kafkaLibraries` */
export async function runIsolated(drill: string, options: RunOptions): Promise<FinishedDrill> {
  // nothing can be fetched from in there
  await kafkaLibraries(options.cacheDirectory, options.onProgress);
  return runInProcess(drill, options, { ownNetwork: true });
}
