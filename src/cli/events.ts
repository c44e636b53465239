import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { Client } from './client.ts';
import { importEvents } from './events-import.ts';
import { timestamp } from './moment.ts';
import { Progress, print, printJson } from './output.ts';
import { integer, type VerbContext } from './verbs.ts';

interface Published {
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface TailPage {
  readonly records: readonly TailRecord[];
  readonly positions: string;
}

interface TailRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly name: string; readonly value: string | null }[];
}

export function eventVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('events').description('publish, import and watch events');

  context
    .verb(noun, 'publish', 'publish one event, from these flags; without --type it is read from stdin as JSON')
    .option('--type <event-type>', 'one of the ten types, e.g. post_liked')
    .option('--user <id>', 'user id')
    .option('--content <id>', 'content id, where the type has one')
    .option('--data <json>', "the event's data, as JSON")
    .option('--event-id <id>', 'repeating it publishes nothing new')
    .option('--timestamp <time>', 'when it happened: 2026-05-27T14:00:00Z, 14:00, or -2h (default: now)', timestamp)
    .option('--json', 'print JSON')
    .action(async (flags: PublishFlags) => {
      const event = flags.type === undefined ? parseJson(await readStdin(), 'stdin') : eventOf(flags);
      await context.withClient({ consume: true }, async (client) => {
        const published = await client.request<Published>('POST', '/api/v1/events', { body: event });
        if (flags.json) printJson(published);
        else print(`${published.event_id} at ${published.topic}:${published.partition}:${published.offset}`);
      });
    });

  context
    .verb(noun, 'import', 'publish a file of events; repeating it counts nothing twice')
    .addArgument(new Argument('<file>', 'NDJSON or GH Archive, gzip or not; - reads stdin'))
    .addOption(new Option('--from <format>', 'what the lines are').choices(['events', 'gharchive']).default('events'))
    .option('--rejects <file>', 'where refused lines go (default: FILE.rejects)')
    .option('--json', 'print the totals as JSON')
    .action(async (file: string, flags: { from: 'events' | 'gharchive'; rejects?: string; json?: boolean }) => {
      const rejectFile = flags.rejects ?? (file === '-' ? 'stdin.rejects' : `${file}.rejects`);
      await context.withClient({ consume: context.loaded.settings.log === 'embedded' }, (client) =>
        runImport(client, { file, from: flags.from, rejectFile, json: flags.json === true }),
      );
    });

  context
    .verb(noun, 'tail', 'print records as they are appended; Ctrl-C ends it')
    .option('-t, --topic <name>', 'topic', 'content-interactions')
    .option('--from-beginning', 'start at the earliest record instead of the end')
    .option('--max <n>', 'stop after so many records', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'one JSON object a line')
    .action(async (flags: TailFlags) => {
      await context.withClient({ consume: false }, (client) => tail(client, flags));
    });
}

interface PublishFlags {
  readonly type?: string;
  readonly user?: string;
  readonly content?: string;
  readonly data?: string;
  readonly eventId?: string;
  readonly timestamp?: string;
  readonly json?: boolean;
}

interface TailFlags {
  readonly topic: string;
  readonly fromBeginning?: boolean;
  readonly max?: number;
  readonly json?: boolean;
}

function eventOf({ type, user, content, data, eventId, timestamp: at }: PublishFlags): Record<string, unknown> {
  const fields = {
    event_id: eventId,
    event_type: type,
    user_id: user,
    content_id: content,
    timestamp: at ?? new Date().toISOString(),
    data: data === undefined ? undefined : parseJson(data, '--data'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KitError('USAGE', `${where} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const MAX_STDIN_BYTES = 64 * 1024;

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('an event as JSON, ended by Ctrl-D (or say --type, --user, …):\n');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_STDIN_BYTES)
      throw new KitError('USAGE', 'One event has at most 64 KiB; `events import -` takes many');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function runImport(
  client: Client,
  { file, from, rejectFile, json }: { file: string; from: 'events' | 'gharchive'; rejectFile: string; json: boolean },
): Promise<void> {
  const progress = new Progress();
  const startedAt = performance.now();
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const totals = await importEvents(client, {
      file,
      from,
      rejectFile,
      signal: interrupted.signal,
      onProgress: ({ lines, rejected }) =>
        progress.update(`line ${lines.toLocaleString('en-US')}, ${rejected} rejected`),
    });
    progress.clear();
    const seconds = (performance.now() - startedAt) / 1000;
    if (json) printJson({ ...totals, seconds: Number(seconds.toFixed(3)), interrupted: interrupted.signal.aborted });
    else {
      const { lines, published, known, skipped, rejected } = totals;
      print(
        `${lines} lines in ${seconds.toFixed(1)} s: ${published} published, ${known} known already, ${skipped} skipped, ${rejected} rejected` +
          (rejected > 0 ? ` (see ${rejectFile})` : ''),
      );
    }
    if (interrupted.signal.aborted)
      throw new KitError('INTERRUPTED', 'The import was stopped; run it again to go on, nothing is counted twice', {
        retriable: true,
      });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function tail(
  client: Client,
  { topic, fromBeginning, max = Number.POSITIVE_INFINITY, json }: TailFlags,
): Promise<void> {
  let positions = '';
  let printed = 0;
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  while (!stopped && printed < max) {
    const query = new URLSearchParams({ topic, wait_ms: '1000', max: String(Math.min(500, max - printed)) });
    query.set('offset', fromBeginning ? 'earliest' : 'latest');
    if (positions !== '') query.set('positions', positions);
    const page: TailPage = await client.request('GET', `/api/v1/events?${query}`);
    for (const record of page.records) {
      if (json) printJson(record);
      else print(lineOf(record));
    }
    printed += page.records.length;
    positions = page.positions;
  }
}

function lineOf({ topic, partition, offset, timestamp, key, value, headers }: TailRecord): string {
  const type = headers.find(({ name }) => name === 'ce_type')?.value ?? '-';
  return `${new Date(timestamp).toISOString()}  ${topic}:${partition}:${offset}  ${type}  ${key ?? '(no key)'}  ${value ?? '(null)'}`;
}
