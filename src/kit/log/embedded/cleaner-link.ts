/** Where cleaning is done: in a thread with a connection of its own for a log in files, in this one for a log in memory. */
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { isKitError, KitError } from '../../errors.ts';
import { siblingModule } from '../../sibling-module.ts';
import { BatchTable } from './batch-table.ts';
import { cleanPartitions } from './clean-partition.ts';
import type { CleanerError, CleaningTask, FromCleaner, ToCleaner, WriteChange } from './cleaning-task.ts';

export interface CleanerLink {
  /** One call at a time. Tasks of topics that are dropped meanwhile are skipped. */
  clean(tasks: readonly CleaningTask[]): Promise<void>;
  /** What is under way ends where it is. */
  close(): Promise<void>;
}

/** `.ts` in a checkout, `.js` in the package. */
const THREAD = siblingModule('./cleaner-thread', import.meta.url);

export function localCleaner(database: DatabaseSync, write: WriteChange): CleanerLink {
  const table = new BatchTable(database);
  return { clean: (tasks) => cleanPartitions(table, tasks, write), async close() {} };
}

export function threadCleaner(file: string, write: WriteChange): CleanerLink {
  const worker = new Worker(THREAD, { workerData: { file }, name: 'log-cleaner' });
  worker.unref();
  let cleaning: PromiseWithResolvers<void> | null = null;
  const tell = (message: ToCleaner): void => worker.postMessage(message);
  worker.on('message', async (message: FromCleaner) => {
    if (message.kind === 'done') cleaning?.resolve();
    else if (message.kind === 'failed') cleaning?.reject(fromCleanerError(message.error));
    else {
      try {
        tell({ kind: 'written', numbers: await write(message.command) });
      } catch (error) {
        tell({ kind: 'not-written', error: toCleanerError(error) });
      }
    }
  });
  worker.on('error', (error) => cleaning?.reject(error));
  const ended = new KitError('LOG_UNAVAILABLE', 'The thread that cleans the log has ended.', { retriable: true });
  let isEnded = false;
  worker.on('exit', () => {
    isEnded = true;
    cleaning?.reject(ended);
  });
  return {
    async clean(tasks) {
      if (isEnded) throw ended;
      cleaning = Promise.withResolvers();
      worker.ref();
      tell({ kind: 'clean', tasks });
      try {
        await cleaning.promise;
      } finally {
        cleaning = null;
        worker.unref();
      }
    },
    async close() {
      await worker.terminate();
    },
  };
}

export function toCleanerError(error: unknown): CleanerError {
  const message = error instanceof Error ? error.message : String(error);
  return { code: isKitError(error) ? error.code : 'LOG_UNAVAILABLE', message };
}

export function fromCleanerError({ code, message }: CleanerError): KitError {
  return new KitError(code, message, { retriable: true });
}
