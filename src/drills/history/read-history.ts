import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { KitError } from '../../kit/errors.ts';
import type { ApplyOperation, HistoryEntry, OperationEnd, PublishOperation } from './history.ts';

type Begun = (ApplyOperation | PublishOperation) & { readonly operation: number };

/**
 * The entries of one file after another; of a process in the order in which its operations ended, and those without an end
 * last. A last line that a kill has cut short is left out. A file that is not there has no entries: its process was
 * ended before it wrote any.
 *
 * @throws KitError HISTORY_UNREADABLE, which names file and line
 */
export async function* readHistory(files: readonly string[]): AsyncGenerator<HistoryEntry> {
  for (const file of files) yield* readFile(file);
}

async function* readFile(file: string): AsyncGenerator<HistoryEntry> {
  const begun = new Map<number, Begun>();
  let number = 0;
  let broken: KitError | null = null;
  for await (const text of linesOf(file)) {
    if (broken !== null) throw broken;
    number += 1;
    const entry = parse(text);
    if (entry === null) broken = unreadable(file, number);
    else if (entry.kind === 'end') {
      const begin = begun.get(entry.operation);
      if (begin === undefined) throw unreadable(file, number);
      begun.delete(entry.operation);
      yield { ...begin, ...entry, kind: begin.kind } as Begun;
    } else if ('operation' in entry) begun.set((entry as Begun).operation, entry as Begun);
    else yield entry;
  }
  yield* begun.values();
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    input.destroy();
  }
}

function parse(text: string): HistoryEntry | OperationEnd | null {
  try {
    return JSON.parse(text) as HistoryEntry | OperationEnd;
  } catch {
    return null;
  }
}

function unreadable(file: string, line: number): KitError {
  return new KitError('HISTORY_UNREADABLE', `line ${line} of ${basename(file)} is no history entry`, {
    details: { file, line },
  });
}
