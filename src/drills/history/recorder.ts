import { closeSync, openSync, writeSync } from 'node:fs';
import {
  type ApplyOperation,
  type HistoryEntry,
  monotonicMs,
  type OperationEnd,
  type OwnershipOperation,
  type PublishOperation,
} from './history.ts';

/** Distributes over the members of a union, as `Omit` does not. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

const MAX_BUFFERED_LINES = 2_000;

/**
 * Writes the history of one process. Lines go to the kernel at once, so that they outlive a SIGKILL; those of publishes,
 * of which there are thousands a second, go together a few times a second.
 */
export class HistoryRecorder {
  readonly #process: string;
  readonly #file: number;
  readonly #lines: string[] = [];
  #operations = 0;

  /** @param file appended to */
  constructor(file: string, process: string) {
    this.#process = process;
    this.#file = openSync(file, 'a');
  }

  publish(entry: Without<PublishOperation, 'kind' | 'process'>): void {
    this.#push({ kind: 'publish', process: this.#process, ...entry });
  }

  /** Writes the beginning, for a process that is going to be killed; the answer writes the end. */
  publishBegun(
    entry: Without<PublishOperation, 'kind' | 'process' | 'completedMs' | 'outcome' | 'partition' | 'offset' | 'code'>,
  ): (end: Pick<PublishOperation, 'completedMs' | 'outcome' | 'partition' | 'offset' | 'code'>) => void {
    this.#operations += 1;
    const operation = this.#operations;
    const begun: PublishOperation = {
      kind: 'publish',
      process: this.#process,
      ...entry,
      completedMs: null,
      outcome: 'unknown',
      partition: null,
      offset: null,
      code: null,
    };
    this.#push({ ...begun, operation });
    return (end) => this.#push({ kind: 'end', operation, ...end });
  }

  ownership(entry: Without<OwnershipOperation, 'process'>): void {
    this.#write({ process: this.#process, ...entry });
  }

  mark(label: string, atMs = monotonicMs()): void {
    this.#write({ kind: 'mark', process: this.#process, atMs, label });
  }

  /** Writes the beginning; the answer writes the end. */
  apply(
    entry: Without<ApplyOperation, 'kind' | 'process' | 'completedMs' | 'invokedMs' | 'outcome'>,
  ): (outcome: ApplyOperation['outcome']) => void {
    this.#operations += 1;
    const operation = this.#operations;
    const invokedMs = monotonicMs();
    const begun: ApplyOperation = {
      kind: 'apply',
      process: this.#process,
      ...entry,
      invokedMs,
      completedMs: null,
      outcome: 'unknown',
    };
    this.#write({ ...begun, operation });
    return (outcome) => this.#write({ kind: 'end', operation, completedMs: monotonicMs(), outcome });
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    writeSync(this.#file, this.#lines.join(''));
    this.#lines.length = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #push(entry: object): void {
    this.#lines.push(this.#line(entry));
    if (this.#lines.length >= MAX_BUFFERED_LINES) this.flush();
  }

  #write(entry: HistoryEntry | OperationEnd | (ApplyOperation & { operation: number })): void {
    this.flush();
    writeSync(this.#file, this.#line(entry));
  }

  #line(entry: object): string {
    return `${JSON.stringify(entry)}\n`;
  }
}
