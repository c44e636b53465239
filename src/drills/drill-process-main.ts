/** The process of `drill-process.ts`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KitError } from '../kit/errors.ts';
import { DRILLS } from './catalog.ts';
import type { ProcessReport, ProcessRun } from './drill-process.ts';
import { perform, runDrill } from './run-drill.ts';

/** For what cannot be interrupted, such as the check; servers and workers end with this process. */
const GIVE_UP_MS = 20_000;

const { drill: name, ownNetwork, isWatched, ...options } = JSON.parse(process.argv[2]!) as ProcessRun;
const stop = new AbortController();
const interrupt = (): void => {
  stop.abort(new KitError('INTERRUPTED', 'the drill was stopped before its end'));
  setTimeout(() => process.exit(1), GIVE_UP_MS).unref();
};
// Ctrl-C reaches the whole group of processes; the parent hears it too, and says so.
process.on('SIGINT', () => {});
process.once('message', interrupt).once('disconnect', interrupt).once('SIGTERM', interrupt);
// the parent may have ended before anybody listened here
if (!process.connected) interrupt();
const tell = (report: ProcessReport): void => {
  if (process.connected) process.send!(report);
};

try {
  const drill = DRILLS.find((one) => one.name === name)!;
  if (ownNetwork) await promisify(execFile)('ip', ['link', 'set', 'lo', 'up']);
  const play = ownNetwork ? perform : runDrill;
  const finished = await play(drill, {
    ...options,
    signal: stop.signal,
    onProgress: (text) => tell({ is: 'progress', text }),
    ...(isWatched && { onLive: (update) => tell({ is: 'live', update }) }),
  });
  tell({ is: 'finished', finished });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  if (process.connected) process.disconnect();
}
