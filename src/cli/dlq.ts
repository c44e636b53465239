import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import { print, printJson, table } from './output.ts';
import { fraction, integer, type VerbContext } from './verbs.ts';

interface Entry {
  readonly id: string;
  readonly key: string | null;
  readonly code: string;
  readonly reason: string;
  readonly first_failed_at: string;
  readonly replay_count: number;
  readonly value_bytes: number;
}

interface Shown extends Entry {
  readonly original: {
    readonly value: string | null;
    readonly encoding: string;
    readonly headers: readonly { readonly name: string; readonly value: string | null }[];
  };
}

interface Replayed {
  readonly executed: boolean;
  readonly items: readonly {
    readonly id: string;
    readonly status: string;
    readonly topic: string;
    readonly partition: number;
    readonly offset?: number;
    readonly code?: string;
    readonly reason?: string;
  }[];
}

export function dlqVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('dlq').description('dead letters: what could not be processed');

  context
    .verb(noun, 'list', 'open dead letters, newest first')
    .option('-t, --topic <name>', 'of this topic')
    .option('--code <code>', 'with this error code, e.g. SCHEMA_MISMATCH')
    .option('--limit <n>', 'at most so many', integer(1, 1000), 100)
    .option('--include-replayed', 'those that were replayed too')
    .option('--json', 'one JSON object a line')
    .action(
      async (flags: { topic?: string; code?: string; limit: number; includeReplayed?: boolean; json?: boolean }) => {
        await context.withClient({ consume: false }, async (client) => {
          const query = new URLSearchParams({ limit: String(flags.limit) });
          if (flags.topic !== undefined) query.set('topic', flags.topic);
          if (flags.code !== undefined) query.set('code', flags.code);
          if (flags.includeReplayed) query.set('include_replayed', 'true');
          const answer = await client.request<{ entries: Entry[]; matching: number }>('GET', `/api/v1/dlq?${query}`);
          if (flags.json) return answer.entries.forEach(printJson);
          if (answer.entries.length === 0) return print('no dead letters');
          print(
            table(
              ['id', 'code', 'key', 'bytes', 'replays', 'reason'],
              answer.entries.map((entry) => [
                entry.id,
                entry.code,
                entry.key ?? '(none)',
                entry.value_bytes,
                entry.replay_count,
                entry.reason,
              ]),
            ),
          );
          if (answer.matching > answer.entries.length)
            print(`${answer.matching - answer.entries.length} more; --limit shows them`);
        });
      },
    );

  context
    .verb(noun, 'show <id>', 'one dead letter with its original key, headers and value')
    .option('--json', 'print JSON')
    .option('--value-only', 'print the original value, for repair: dlq show ID --value-only > value.json')
    .action(async (id: string, flags: { json?: boolean; valueOnly?: boolean }) => {
      await context.withClient({ consume: false }, async (client) => {
        const shown = await client.request<Shown>('GET', `/api/v1/dlq/entry?${new URLSearchParams({ id })}`);
        const { value, encoding, headers } = shown.original;
        if (flags.valueOnly) process.stdout.write(Buffer.from(value ?? '', encoding === 'base64' ? 'base64' : 'utf8'));
        else if (flags.json) printJson(shown);
        else {
          print(
            `${shown.id}\n${shown.code}: ${shown.reason}\nfirst failed ${shown.first_failed_at}, replayed ${shown.replay_count} times`,
          );
          print(`key: ${shown.key ?? '(none)'}`);
          for (const header of headers) print(`${header.name}: ${header.value ?? '(null)'}`);
          print(value === null ? '(null value)' : encoding === 'base64' ? `${value} (base64)` : value);
        }
      });
    });

  context
    .verb(noun, 'replay [ids...]', 'send dead letters to their topics again; says what it would do until --execute')
    .option('--all', 'every open one')
    .option('-t, --topic <name>', 'those of this topic')
    .option('--code <code>', 'those with this error code')
    .option('--execute', 'do it')
    .option('--rate <n>', 'per second (default 100)', fraction)
    .option('--value-file <file>', 'a repaired value, for exactly one id')
    .option('--key <key>', 'a repaired key, for exactly one id')
    .option('--json', 'one JSON object a line')
    .action(async (ids: string[], flags: ReplayFlags) => {
      if (ids.length === 0 && !flags.all && flags.topic === undefined && flags.code === undefined)
        throw new KitError('USAGE', 'Say which: ids, --all, --topic or --code (dlq list shows them)');
      await context.withClient({ consume: context.loaded.settings.log === 'embedded' }, async (client) => {
        const answer = await client.request<Replayed>('POST', '/api/v1/dlq/replay', {
          body: replayBody(ids, flags),
          timeoutMs: 120_000,
        });
        if (flags.json) answer.items.forEach(printJson);
        else {
          const rows = answer.items.map((item) => [
            item.id,
            item.status,
            item.partition < 0 ? '-' : `${item.topic}:${item.partition}:${item.offset ?? '?'}`,
            item.reason ?? '',
          ]);
          print(rows.length === 0 ? 'nothing matches' : table(['id', 'status', 'to', 'reason'], rows));
          if (!answer.executed && rows.length > 0) print('nothing was sent; --execute sends');
        }
        const bad = answer.items.find(({ status }) => status === 'refused' || status === 'failed');
        if (bad !== undefined)
          throw new KitError(bad.code ?? 'FAILED', `${bad.id}: ${bad.reason ?? 'it was not replayed'}`);
      });
    });
}

interface ReplayFlags {
  readonly all?: boolean;
  readonly topic?: string;
  readonly code?: string;
  readonly execute?: boolean;
  readonly rate?: number;
  readonly valueFile?: string;
  readonly key?: string;
  readonly json?: boolean;
}

function replayBody(ids: readonly string[], { all, topic, code, execute, rate, valueFile, key }: ReplayFlags): object {
  const repaired = {
    ...(valueFile === undefined ? {} : { value: readValue(valueFile), encoding: 'base64' }),
    ...(key === undefined ? {} : { key }),
  };
  return {
    ...(ids.length === 0 ? {} : { ids }),
    ...(all === undefined ? {} : { all }),
    ...(topic === undefined ? {} : { topic }),
    ...(code === undefined ? {} : { code }),
    ...(rate === undefined ? {} : { rate_per_second: rate }),
    ...(Object.keys(repaired).length === 0 ? {} : { repaired }),
    execute: execute === true,
  };
}

function readValue(file: string): string {
  try {
    return readFileSync(file).toString('base64');
  } catch (cause) {
    throw new KitError('FILE_NOT_FOUND', `There is no readable file ${file}`, { cause });
  }
}
