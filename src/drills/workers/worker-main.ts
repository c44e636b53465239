/** A process of a drill: `node worker-main.ts SPEC`, driven by its parent over IPC; ends when the parent does. */
import { ConsumerWorker } from './consumer-worker.ts';
import { jumpClock } from './jump-clock.ts';
import { LoadWorker } from './load-worker.ts';
import { PlatformWorker } from './platform-worker.ts';
import type { Command, Report, WorkerSpec } from './worker-spec.ts';

const PROGRESS_MS = 200;

const tell = (report: Report): void => {
  if (process.connected) process.send!(report);
};

try {
  await main(JSON.parse(process.argv[2]!) as WorkerSpec);
} catch (error) {
  tell({ is: 'failed', error: textOf(error) });
  process.exitCode = 1;
  process.disconnect?.();
}

async function main(spec: WorkerSpec): Promise<void> {
  const worker = await open(spec);
  const load = worker instanceof PlatformWorker ? worker.load : worker instanceof LoadWorker ? worker : null;
  if (!(worker instanceof LoadWorker)) {
    worker.broken.catch((error: unknown) => {
      tell({ is: 'failed', error: textOf(error) });
      process.exit(1);
    });
  }
  const timer = setInterval(() => tell({ is: 'progress', progress: worker.progress() }), PROGRESS_MS);
  const finish = async (): Promise<void> => {
    clearInterval(timer);
    await worker.finish();
    tell({ is: 'finished', progress: worker.progress() });
    process.disconnect?.();
  };
  // Ctrl-C reaches the whole group of processes; what becomes of this one is the parent's decision.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => void finish());
  process.on('disconnect', () => process.exit());
  // the parent may have ended while this one was opening what it works on
  if (!process.connected) process.exit();
  process.on('message', (command: Command) => {
    if (command.do === 'finish') void finish();
    else if (command.do === 'jump-clock') jumpClock(command.byMs);
    else if (command.do === 'start') load?.start();
    else load?.setRate(command.ratePerSecond);
  });
  tell({ is: 'ready' });
}

function open(spec: WorkerSpec): Promise<LoadWorker | ConsumerWorker | PlatformWorker> {
  if (spec.role === 'load') return LoadWorker.open(spec);
  return spec.role === 'consumer' ? ConsumerWorker.open(spec) : PlatformWorker.open(spec);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
