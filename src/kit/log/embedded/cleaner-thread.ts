/** The thread that cleans: it reads by itself; what it wants to have written it asks the log for. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { BatchTable } from './batch-table.ts';
import { cleanPartitions } from './clean-partition.ts';
import { fromCleanerError, toCleanerError } from './cleaner-link.ts';
import type { FromCleaner, ToCleaner } from './cleaning-task.ts';
import type { PartitionCommand } from './writer-commands.ts';

const port = parentPort!;
const { file } = workerData as { file: string };
const table = new BatchTable(new DatabaseSync(file, { readOnly: true, timeout: 5_000 }));
let writing = Promise.withResolvers<readonly number[]>();

port.on('message', async (message: ToCleaner) => {
  switch (message.kind) {
    case 'written':
      writing.resolve(message.numbers);
      break;
    case 'not-written':
      writing.reject(fromCleanerError(message.error));
      break;
    case 'clean':
      try {
        await cleanPartitions(table, message.tasks, write);
        tell({ kind: 'done' });
      } catch (error) {
        tell({ kind: 'failed', error: toCleanerError(error) });
      }
  }
});

function write(command: PartitionCommand): Promise<readonly number[]> {
  writing = Promise.withResolvers();
  tell({ kind: 'write', command }, command.kind === 'compact' ? [command.block] : []);
  return writing.promise;
}

function tell(message: FromCleaner, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
