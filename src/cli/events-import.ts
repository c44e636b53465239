/** `events import`: a file or stdin to the log, in batches over the API, in the file's order. */
import { closeSync, createReadStream, openSync, writeFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type GhArchiveLine, readGhArchive } from '../domains/social/import/gharchive.ts';
import { readNdjson } from '../domains/social/import/ndjson.ts';
import { KitError } from '../kit/errors.ts';
import type { Client } from './client.ts';

export interface ImportOptions {
  /** A path, or `-` for stdin. */
  readonly file: string;
  readonly from: 'events' | 'gharchive';
  /** Where refused lines go; created when the first is refused. */
  readonly rejectFile: string;
  readonly signal: AbortSignal;
  onProgress(totals: ImportTotals): void;
}

export interface ImportTotals {
  lines: number;
  published: number;
  /** Known to the server from an earlier import: not published again. */
  known: number;
  skipped: number;
  rejected: number;
}

interface BatchAnswer {
  readonly results: readonly {
    readonly status: number;
    readonly code?: string;
    readonly detail?: string;
    readonly retriable?: boolean;
  }[];
}

const MAX_BATCH_EVENTS = 1000;
/** Below the API's 1 MiB. */
const MAX_BATCH_BYTES = 900 * 1024;
const MAX_ATTEMPTS = 10;
const MAX_WAIT_MS = 5000;
const NEWLINE = Buffer.from('\n');

interface Pending {
  readonly line: number;
  readonly json: string;
}

/** The signal ends the reading; what was read is still sent. @throws KitError FILE_NOT_FOUND, UNREADABLE_INPUT, UNREACHABLE, OUTPUT_FAILED for the reject file; IMPORT_STALLED when the server refuses the same batch for long */
export async function importEvents(client: Client, options: ImportOptions): Promise<ImportTotals> {
  const totals: ImportTotals = { lines: 0, published: 0, known: 0, skipped: 0, rejected: 0 };
  const rejects = new RejectFile(options.rejectFile);
  let batch: Pending[] = [];
  let bytes = 0;
  const send = async () => {
    if (batch.length > 0) await sendBatch(client, batch, totals, rejects, options.signal);
    batch = [];
    bytes = 0;
    options.onProgress(totals);
  };
  try {
    for await (const line of linesOf(options, totals)) {
      if (options.signal.aborted) break;
      totals.lines = line.line;
      if (line.ok === null) {
        totals.skipped += 1;
      } else if (!line.ok) {
        rejects.write(line.line, line.reason, line.raw);
        totals.rejected += 1;
      } else {
        const json = JSON.stringify(line.input);
        const size = Buffer.byteLength(json) + 1;
        if (bytes + size > MAX_BATCH_BYTES || batch.length === MAX_BATCH_EVENTS) await send();
        batch.push({ line: line.line, json });
        bytes += size;
      }
    }
    await send();
    return totals;
  } finally {
    rejects.close();
  }
}

async function* linesOf({ file, from, signal }: ImportOptions, totals: ImportTotals): AsyncGenerator<GhArchiveLine> {
  const input = await open(file);
  const end = () => input.destroy();
  // a pipe may say nothing for ever
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    yield* from === 'gharchive' ? readGhArchive(input) : readNdjson(input);
  } catch (cause) {
    if (signal.aborted) return;
    if (cause instanceof KitError) throw cause;
    const message = `${file} cannot be read after line ${totals.lines}: ${(cause as Error).message}`;
    throw new KitError('UNREADABLE_INPUT', message, { cause });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function open(file: string): Promise<Readable> {
  if (file === '-') return process.stdin;
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new KitError('FILE_NOT_FOUND', `There is no readable file ${file}`, { cause });
  }
  return createReadStream(file);
}

/** Events that the server could not take now are sent again, alone and in order; refused ones go to the reject file. */
async function sendBatch(
  client: Client,
  batch: Pending[],
  totals: ImportTotals,
  rejects: RejectFile,
  signal: AbortSignal,
): Promise<void> {
  let rest = batch;
  for (let attempt = 1; rest.length > 0; attempt += 1) {
    const again: Pending[] = [];
    let reason = '';
    try {
      const { results } = await client.request<BatchAnswer>('POST', '/api/v1/events', {
        raw: { contentType: 'application/x-ndjson', text: rest.map((event) => event.json).join('\n') },
      });
      for (const [index, result] of results.entries()) {
        const event = rest[index]!;
        if (result.status === 201) totals.published += 1;
        else if (result.status === 200) totals.known += 1;
        else if (result.retriable || result.status === 503) {
          again.push(event);
          reason = result.detail ?? result.code ?? '';
        } else {
          rejects.write(event.line, `${result.code}: ${result.detail}`, event.json);
          totals.rejected += 1;
        }
      }
    } catch (error) {
      if (!(error instanceof KitError && error.retriable)) throw error;
      again.push(...rest);
      reason = error.message;
    }
    if (again.length > 0 && signal.aborted) return;
    if (again.length > 0 && attempt === MAX_ATTEMPTS)
      throw new KitError(
        'IMPORT_STALLED',
        `${again.length} events were refused ${attempt} times: ${reason}. Run the import again later; nothing is counted twice.`,
        { retriable: true },
      );
    rest = again;
    if (rest.length > 0) await delay(Math.min(100 * 2 ** attempt, MAX_WAIT_MS), null, { signal }).catch(() => {});
  }
}

/** `line number <tab> reason <tab> the line itself` */
class RejectFile {
  readonly #path: string;
  #file: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KitError OUTPUT_FAILED */
  write(line: number, reason: string, raw: string | Buffer): void {
    try {
      this.#file ??= openSync(this.#path, 'w');
      writeFileSync(this.#file, Buffer.concat([Buffer.from(`${line}\t${reason}\t`), Buffer.from(raw), NEWLINE]));
    } catch (cause) {
      throw new KitError(
        'OUTPUT_FAILED',
        `line ${line} is refused (${reason}), and ${this.#path} cannot be written: ${(cause as Error).message}. --rejects names another file.`,
        { cause },
      );
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}
