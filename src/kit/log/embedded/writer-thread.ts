/** The thread around `LogWriter`: an fsync holds up this one, not the one that serves requests. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from './log-schema.ts';
import { LogWriter } from './log-writer.ts';
import type { WriterCommand } from './writer-commands.ts';

const port = parentPort!;
const writer = new LogWriter(openDatabase((workerData as { file: string }).file));

port.on('message', (command: WriterCommand) => {
  if (command.kind !== 'close') {
    port.postMessage(writer.execute(command));
    return;
  }
  writer.close();
  port.close();
});
