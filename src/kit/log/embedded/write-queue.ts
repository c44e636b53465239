/**
 * The way to the writer's thread: what waits while a transaction is under way goes into the next one together (group
 * commit). Bounded: beyond the limits `append` waits for its turn.
 */
import { KitError } from '../../errors.ts';
import type { RawAppend } from './batch-writer.ts';
import { Fifo } from './fifo.ts';
import type {
  AppendCommand,
  AppendNote,
  PartitionCommand,
  TopicCommand,
  WriteError,
  WriterAnswer,
  WriterCommand,
  WriterDone,
} from './writer-commands.ts';
import type { WriterEvents, WriterLink } from './writer-link.ts';

export interface WriteQueueLimits {
  readonly maxQueuedBytes: number;
  readonly maxQueuedBatches: number;
}

type SweepCommand = Extract<WriterCommand, { kind: 'sweep' }>;

export interface Appended {
  readonly baseOffset: number;
  /** A producer sent it again: it is in the log, and was before. */
  readonly wasStored: boolean;
}

interface Waiting extends PromiseWithResolvers<Appended> {
  readonly append: RawAppend;
}

const MAX_TRANSACTION_BYTES = 8 * 1024 * 1024;
export class WriteQueue {
  readonly #limits: WriteQueueLimits;
  readonly #link: WriterLink;
  readonly #now: () => number;
  readonly #waiting = new Fifo<Waiting>();
  readonly #forRoom = new Fifo<Waiting>();
  readonly #commands = new Fifo<PromiseWithResolvers<WriterDone>>();
  #queuedBytes = 0;
  #queuedBatches = 0;
  #writing = false;
  #failure: unknown = null;
  #onEmpty = (): void => {};

  constructor(limits: WriteQueueLimits, now: () => number, link: (events: WriterEvents) => WriterLink) {
    this.#limits = limits;
    this.#now = now;
    this.#link = link({
      answered: (answer) => this.#answered(answer),
      died: (error) => this.#died(error),
    });
  }

  /**
   * Resolves when the batch is durable.
   *
   * @throws KitError OUT_OF_ORDER_SEQUENCE, INVALID_PRODUCER_EPOCH, UNKNOWN_TOPIC (it was deleted meanwhile);
   *   LOG_UNAVAILABLE, DISK_FULL (`details.maybeStored`)
   */
  append(append: RawAppend): Promise<Appended> {
    const waiting = { append, ...Promise.withResolvers<Appended>() };
    if (this.#forRoom.length === 0 && this.#hasRoomFor(waiting)) this.#admit(waiting);
    else this.#forRoom.push(waiting);
    return waiting.promise;
  }

  /** Does not wait behind appends. @throws KitError UNKNOWN_TOPIC, LOG_UNAVAILABLE, DISK_FULL */
  async change(command: TopicCommand | PartitionCommand | SweepCommand): Promise<readonly number[]> {
    const { numbers } = await this.#send(command, command.kind === 'compact' ? [command.block] : []);
    return numbers;
  }

  /** What was accepted is written first. */
  async close(): Promise<void> {
    if (this.#queuedBatches > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    if (this.#failure !== null) return;
    await this.#link.close();
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
    const command = pack(group, bytes, this.#now());
    this.#send(command, [command.block])
      .then(
        (done) => settle(group, done),
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

  #send(command: Exclude<WriterCommand, { kind: 'close' }>, transfer: readonly ArrayBuffer[]): Promise<WriterDone> {
    if (this.#failure !== null) return Promise.reject(unavailable(this.#failure, false));
    const answer = Promise.withResolvers<WriterDone>();
    if (this.#commands.length === 0) this.#link.busy(true);
    this.#commands.push(answer);
    this.#link.post(command, transfer);
    return answer.promise;
  }

  #answered(answer: WriterAnswer): void {
    const command = this.#commands.shift()!;
    if (this.#commands.length === 0) this.#link.busy(false);
    if (answer.ok) command.resolve(answer);
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

function settle(group: readonly Waiting[], { numbers, notes }: WriterDone): void {
  const noted = new Map(notes.map((note): [number, AppendNote] => [note.index, note]));
  for (const [i, { resolve, reject }] of group.entries()) {
    const note = noted.get(i);
    if (note?.refusal) reject(new KitError(note.refusal.code, note.refusal.message));
    else resolve({ baseOffset: numbers[i]!, wasStored: note !== undefined });
  }
}

function pack(group: readonly Waiting[], bytes: number, now: number): AppendCommand {
  const block = new ArrayBuffer(bytes);
  const target = new Uint8Array(block);
  let at = 0;
  for (const { append } of group) {
    target.set(append.bytes, at);
    at += append.bytes.length;
  }
  return {
    kind: 'append',
    now,
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
export function writeFailure({ message, errcode = 0, code }: WriteError): KitError {
  if (code !== undefined) return new KitError(code, message);
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
