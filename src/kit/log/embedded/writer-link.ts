/** The way to the log's writer: in a thread of its own for a log in files, in this one for a log in memory. */
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../sibling-module.ts';
import { LogWriter } from './log-writer.ts';
import type { WriterAnswer, WriterCommand } from './writer-commands.ts';

type Command = Exclude<WriterCommand, { kind: 'close' }>;

export interface WriterEvents {
  /** Once per command, in order. */
  answered(answer: WriterAnswer): void;
  /** There will be no further answer. */
  died(error: unknown): void;
}

export interface WriterLink {
  post(command: Command, transfer: readonly ArrayBuffer[]): void;
  /** Whether an answer is awaited: an idle log does not keep a process alive, one that is writing does. */
  busy(isBusy: boolean): void;
  /** Commands that were posted are carried out first. */
  close(): Promise<void>;
}

/** `.ts` in a checkout, `.js` in the package. */
const THREAD = siblingModule('./writer-thread', import.meta.url);

export function threadLink(file: string, events: WriterEvents): WriterLink {
  const worker = new Worker(THREAD, { workerData: { file }, name: 'log-writer' });
  worker.unref();
  worker.on('message', (answer: WriterAnswer) => events.answered(answer));
  worker.on('error', (error) => events.died(error));
  worker.on('exit', () => events.died(new Error('the writer has ended')));
  return {
    post: (command, transfer) => worker.postMessage(command, transfer),
    busy: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
    async close() {
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage({ kind: 'close' } satisfies WriterCommand);
      await exited;
    },
  };
}

/** The database stays open. */
export function localLink(database: DatabaseSync, events: WriterEvents): WriterLink {
  const writer = new LogWriter(database);
  return {
    // Later, as from a thread: what is asked for in between shares the next transaction.
    post: (command) => queueMicrotask(() => events.answered(writer.execute(command))),
    busy() {},
    async close() {},
  };
}
