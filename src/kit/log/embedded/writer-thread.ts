/** The thread around `BatchWriter`: an fsync holds up this one, not the one that serves requests. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchWriter, type TopicRow } from './batch-writer.ts';

/** Batches travel in one block of memory, back to back; `lengths` says where each ends. */
export interface AppendCommand {
  readonly kind: 'append';
  readonly topicIds: readonly number[];
  readonly partitions: readonly number[];
  readonly lengths: readonly number[];
  readonly block: ArrayBuffer;
}

export type WriterCommand =
  | AppendCommand
  | { readonly kind: 'create-topics'; readonly topics: readonly TopicRow[] }
  | { readonly kind: 'close' };

/** One answer per command, in order: base offsets or topic ids. After `close` the thread ends instead. */
export type WriterAnswer =
  | { readonly ok: true; readonly numbers: number[] }
  | { readonly ok: false; readonly error: WriteError };

/** An error as it crosses threads: of a thrown one, only its message would arrive. */
export interface WriteError {
  readonly message: string;
  /** SQLite's extended result code; undefined for other errors. */
  readonly errcode?: number;
}

const port = parentPort!;
const writer = new BatchWriter((workerData as { file: string }).file);

port.on('message', (command: WriterCommand) => {
  if (command.kind === 'close') {
    writer.close();
    port.close();
    return;
  }
  try {
    const numbers = command.kind === 'append' ? append(command) : writer.createTopics(command.topics);
    port.postMessage({ ok: true, numbers } satisfies WriterAnswer);
  } catch (error) {
    port.postMessage({ ok: false, error: writeError(error) } satisfies WriterAnswer);
  }
});

function writeError(error: unknown): WriteError {
  const { message, errcode } = error as Error & { errcode?: number };
  return errcode === undefined ? { message } : { message, errcode };
}

function append({ topicIds, partitions, lengths, block }: AppendCommand): number[] {
  let at = 0;
  return writer.append(
    lengths.map((length, i) => {
      const bytes = Buffer.from(block, at, length);
      at += length;
      return { topicId: topicIds[i]!, partition: partitions[i]!, bytes };
    }),
  );
}
