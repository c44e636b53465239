import { type Command, Option } from 'commander';
import type { Client } from './client.ts';
import { timestamp } from './moment.ts';
import { print, printJson, table } from './output.ts';
import { integer, type VerbContext } from './verbs.ts';

interface Estimate {
  readonly estimate: number;
  readonly standard_error: number;
}
interface Counts {
  readonly periods: readonly {
    readonly period: string;
    readonly total: number;
    readonly counts: Readonly<Record<string, number>>;
  }[];
}
interface ActiveUsers {
  readonly periods: readonly (Estimate & { readonly period: string })[];
  readonly all: Estimate;
}
interface Top {
  readonly items: readonly { readonly content_id: string; readonly count: number; readonly error: number }[];
  readonly uncounted_at_most: number;
}
interface Funnel {
  readonly stages: readonly (Estimate & { readonly stage: string })[];
}
interface Flags {
  readonly json?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly day?: string;
  readonly limit?: number;
}

/** Documented with the routes: what is counted, and how far an estimate may be off. */
export function analyticsVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('analytics').description('events over time, active users, top content, the funnel');
  const verb = (name: string, description: string, show: (client: Client, flags: Flags) => Promise<void>) =>
    context
      .verb(noun, name, description)
      .option('--json', 'one JSON object a line')
      .action((flags: Flags) => context.withClient({ consume: true }, (client) => show(client, flags)));
  const ranged = (command: Command) =>
    command
      .option(
        '--from <time>',
        'its period is the first: a date in UTC, 2026-05-27T14:00:00Z, 14:00, or -2h',
        dateOrTime,
      )
      .option('--to <time>', 'its period is the last (default: now)', dateOrTime);

  ranged(verb('minutes', 'events by type and minute, exact', (client, flags) => showCounts(client, 'minutes', flags)));
  ranged(verb('days', 'events by type and day, exact', (client, flags) => showCounts(client, 'days', flags)));
  ranged(verb('active-users', 'different users by period, an estimate', showActiveUsers)).addOption(
    new Option('--by <period>', 'day or minute').choices(['day', 'minute']).default('day'),
  );
  verb('top', 'the content with the most interactions of a day, with the error of each count', showTop)
    .option('--day <date>', 'default: today, in UTC')
    .option('--limit <n>', 'rows', integer(1, 1_000), 10);
  verb('funnel', 'users who registered, then posted, then had a post liked; estimates', showFunnel);
}

async function showCounts(client: Client, what: 'minutes' | 'days', { json, from, to }: Flags): Promise<void> {
  const { periods } = await client.request<Counts>('GET', pathOf(what, { from, to }));
  if (json) return periods.forEach(printJson);
  const types = Object.keys(periods[0]?.counts ?? {}).filter((type) => periods.some(({ counts }) => counts[type]! > 0));
  print(
    table(
      ['period', 'total', ...types],
      periods.map(({ period, total, counts }) => [period, total, ...types.map((type) => counts[type]!)]),
    ),
  );
}

async function showActiveUsers(client: Client, { json, from, to, by }: Flags): Promise<void> {
  const { periods, all } = await client.request<ActiveUsers>('GET', pathOf('active-users', { from, to, by }));
  const rows = [...periods, { period: 'all', ...all }];
  if (json) return rows.forEach(printJson);
  print(
    table(
      ['period', 'users', 'standard error'],
      rows.map((row) => [row.period, row.estimate, percent(row)]),
    ),
  );
}

async function showTop(client: Client, { json, day, limit }: Flags): Promise<void> {
  const { items, uncounted_at_most } = await client.request<Top>('GET', pathOf('top', { day, limit: String(limit) }));
  if (json) return items.forEach(printJson);
  print(
    table(
      ['content', 'interactions', 'too high by at most'],
      items.map(({ content_id, count, error }) => [content_id, count, error]),
    ),
  );
  if (uncounted_at_most > 0) print(`content that is not counted any more has at most ${uncounted_at_most}`);
}

async function showFunnel(client: Client, { json }: Flags): Promise<void> {
  const { stages } = await client.request<Funnel>('GET', pathOf('funnel', {}));
  if (json) return stages.forEach(printJson);
  print(
    table(
      ['stage', 'users', 'standard error'],
      stages.map((row) => [row.stage, row.estimate, percent(row)]),
    ),
  );
}

function dateOrTime(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? text : timestamp(text);
}

function percent({ standard_error }: Estimate): string {
  return `${(standard_error * 100).toFixed(1)} %`;
}

function pathOf(name: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/api/v1/analytics/${name}?${new URLSearchParams(given)}`;
}
