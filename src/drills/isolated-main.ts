/** The process of `isolated-run.ts`. Its network begins empty, and ends with the last process in it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KitError } from '../kit/errors.ts';
import { DRILLS } from './catalog.ts';
import type { IsolatedReport, IsolatedRun } from './isolated-run.ts';
import { perform } from './run-drill.ts';

const { drill: name, ...options } = JSON.parse(process.argv[2]!) as IsolatedRun;
const stop = new AbortController();
const interrupt = (): void => stop.abort(new KitError('INTERRUPTED', 'the drill was stopped before its end'));
// Ctrl-C reaches the whole group of processes; the parent hears it too, and says so.
process.on('SIGINT', () => {});
process.once('message', interrupt).once('disconnect', interrupt);
const tell = (report: IsolatedReport): void => {
  if (process.connected) process.send!(report);
};

try {
  await promisify(execFile)('ip', ['link', 'set', 'lo', 'up']);
  const drill = DRILLS.find((one) => one.name === name)!;
  const onProgress = (text: string): void => tell({ is: 'progress', text });
  tell({ is: 'finished', finished: await perform(drill, { ...options, signal: stop.signal, onProgress }) });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  if (process.connected) process.disconnect();
}
