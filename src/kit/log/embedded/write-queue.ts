/**
 * The way to the writer's thread: what waits while a transaction is under way goes into the next one together (group
 * commit). Bounded: beyond the limits `append` waits for its turn.
 */
import { Worker } from 'node:worker_threads';
import { KitError } from '../../errors.ts';
import { siblingModule } from '../../sibling-module.ts';
import type { RawAppend, TopicRow } from './batch-writer.ts';
import { Fifo } from './fifo.ts';
import type { AppendCommand, WriteError, WriterAnswer, WriterCommand } from './writer-thread.ts';

export interface WriteQueueLimits {
  readonly maxQueuedBytes: number;
  readonly maxQueuedBatches: number;
}

interface Waiting extends PromiseWithResolvers<number> {
  readonly append: RawAppend;
}

const MAX_TRANSACTION_BYTES = 8 * 1024 * 1024;
/** `.ts` in a checkout, `.js` in the package. */
const THREAD = siblingModule('./writer-thread', import.meta.url);

export class WriteQueue {
  readonly #limits: WriteQueueLimits;
  readonly #worker: Worker;
  readonly #waiting = new Fifo<Waiting>();
  readonly #forRoom = new Fifo<Waiting>();
  readonly #commands = new Fifo<PromiseWithResolvers<number[]>>();
  #queuedBytes = 0;
  #queuedBatches = 0;
  #writing = false;
  #failure: unknown = null;
  #onEmpty = (): void => {};

  constructor(file: string, limits: WriteQueueLimits) {
    this.#limits = limits;
    this.#worker = new Worker(THREAD, { workerData: { file }, name: 'log-writer' });
    // An idle log does not keep a process alive; one that is writing does.
    this.#worker.unref();
    this.#worker.on('message', (answer: WriterAnswer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#died(error));
    this.#worker.on('exit', () => this.#died(new Error('the writer has ended')));
  }

  /** Resolves with the base offset when the batch is durable. @throws KitError LOG_UNAVAILABLE, DISK_FULL (`details.maybeStored`) */
  append(append: RawAppend): Promise<number> {
    const waiting = { append, ...Promise.withResolvers<number>() };
    if (this.#forRoom.length === 0 && this.#hasRoomFor(waiting)) this.#admit(waiting);
    else this.#forRoom.push(waiting);
    return waiting.promise;
  }

  /** @throws KitError LOG_UNAVAILABLE, DISK_FULL */
  createTopics(topics: readonly TopicRow[]): Promise<number[]> {
    return this.#send({ kind: 'create-topics', topics });
  }

  /** What was accepted is written first. */
  async close(): Promise<void> {
    if (this.#queuedBatches > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    if (this.#failure !== null) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'close' } satisfies WriterCommand);
    await exited;
  }

  /** A batch larger than the limit enters an empty queue. */
  #hasRoomFor({ append }: Waiting): boolean {
    const { maxQueuedBytes, maxQueuedBatches } = this.#limits;
    const fits = this.#queuedBatches < maxQueuedBatches && this.#queuedBytes + append.bytes.length <= maxQueuedBytes;
    return fits || this.#queuedBatches === 0;
  }

  #admit(waiting: Waiting): void {
    this.#queuedBytes += waiting.append.bytes.length;
    this.#queuedBatches++;
    this.#waiting.push(waiting);
    this.#write();
  }

  #release(written: readonly Waiting[]): void {
    for (const { append } of written) this.#queuedBytes -= append.bytes.length;
    this.#queuedBatches -= written.length;
    for (let next = this.#forRoom.at(0); next && this.#hasRoomFor(next); next = this.#forRoom.at(0)) {
      this.#admit(this.#forRoom.shift()!);
    }
    if (this.#queuedBatches === 0) this.#onEmpty();
  }

  #write(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    const group: Waiting[] = [];
    let bytes = 0;
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      if (group.length > 0 && bytes + next.append.bytes.length > MAX_TRANSACTION_BYTES) break;
      bytes += next.append.bytes.length;
      group.push(this.#waiting.shift()!);
    }
    this.#writing = true;
    this.#send(pack(group, bytes))
      .then(
        (offsets) => {
          for (const [i, { resolve }] of group.entries()) resolve(offsets[i]!);
        },
        (error) => {
          for (const { reject } of group) reject(error);
        },
      )
      .finally(() => {
        this.#writing = false;
        this.#release(group);
        this.#write();
      });
  }

  #send(command: WriterCommand): Promise<number[]> {
    if (this.#failure !== null) return Promise.reject(unavailable(this.#failure, false));
    const answer = Promise.withResolvers<number[]>();
    if (this.#commands.length === 0) this.#worker.ref();
    this.#commands.push(answer);
    this.#worker.postMessage(command, command.kind === 'append' ? [command.block] : []);
    return answer.promise;
  }

  #answered(answer: WriterAnswer): void {
    const command = this.#commands.shift()!;
    if (this.#commands.length === 0) this.#worker.unref();
    if (answer.ok) command.resolve(answer.numbers);
    else command.reject(writeFailure(answer.error));
  }

  /** The transaction that was under way may or may not be in the file; only opening the log again shows it. */
  #died(error: unknown): void {
    this.#failure ??= error;
    for (let command = this.#commands.shift(); command; command = this.#commands.shift()) {
      command.reject(unavailable(error, true));
    }
  }
}

function pack(group: readonly Waiting[], bytes: number): AppendCommand {
  const block = new ArrayBuffer(bytes);
  const target = new Uint8Array(block);
  let at = 0;
  for (const { append } of group) {
    target.set(append.bytes, at);
    at += append.bytes.length;
  }
  return {
    kind: 'append',
    block,
    topicIds: group.map(({ append }) => append.topicId),
    partitions: group.map(({ append }) => append.partition),
    lengths: group.map(({ append }) => append.bytes.length),
  };
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
/** The index of the write-ahead log needs another page in memory that the file system has not got. */
const SQLITE_IOERR_SHMSIZE = 4874;

/**
 * What a transaction failed of. SQLite has rolled it back, and the next one takes its place in the file; but when the disk
 * itself has failed, its fsync above all, the bytes may be there, and are found if the process ends before that next one.
 */
export function writeFailure({ message, errcode = 0 }: WriteError): KitError {
  if (errcode === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE) {
    return new KitError(
      'DISK_FULL',
      'The disk of the data directory is full. Free some space: writing goes on by itself.',
      {
        retriable: true,
        details: { maybeStored: false },
      },
    );
  }
  return unavailable(new Error(message), (errcode & 0xff) === SQLITE_IOERR);
}

function unavailable(cause: unknown, maybeStored: boolean): KitError {
  const message = `The log could not be written: ${cause instanceof Error ? cause.message : cause}`;
  return new KitError('LOG_UNAVAILABLE', message, { cause, retriable: true, details: { maybeStored } });
}
