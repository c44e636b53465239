import type { Command } from 'commander';
import type { ProjectionStatus } from '../pipelines/projection-status.ts';
import { print, printJson, table } from './output.ts';
import { projectionRebuildVerb } from './projections-rebuild.ts';
import type { VerbContext } from './verbs.ts';

type Summary = Omit<ProjectionStatus, 'partitions'>;

export function projectionVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('projections').description('what is made of the log: how far, and folding it again');

  context
    .verb(noun, 'list', 'every projection: group, version, how far it is')
    .option('--json', 'print JSON, one projection a line')
    .action(async (flags: { json?: boolean }) => {
      await context.withClient({ consume: false }, async (client) => {
        const { projections } = await client.request<{ projections: Summary[] }>('GET', '/api/v1/projections');
        if (flags.json) for (const one of projections) printJson(one);
        else print(table(HEADINGS, projections.map(row)));
      });
    });

  context
    .verb(noun, 'status <name>', 'one projection, by partition')
    .option('--json', 'print JSON, one partition a line')
    .action(async (name: string, flags: { json?: boolean }) => {
      await context.withClient({ consume: false }, async (client) => {
        const status = await client.request<ProjectionStatus>('GET', `/api/v1/projections/${encodeURIComponent(name)}`);
        if (flags.json) for (const one of status.partitions) printJson({ projection: status.name, ...one });
        else print(statusText(status));
      });
    });

  projectionRebuildVerb(noun, context);
}

const HEADINGS = ['projection', 'group', 'version', 'applied', 'lag', 'duplicates', 'parked', 'dead', ''];

function row(one: Summary): (string | number)[] {
  const { name, group, version, applied, lag, duplicates, parked, dead } = one;
  return [name, group, version, applied, lag, duplicates, parked, dead, noteOf(one)];
}

function noteOf({ rebuilding, kept_version: kept }: Summary): string {
  return [...(rebuilding ? ['being rebuilt'] : []), ...(kept === null ? [] : [`version ${kept} kept`])].join(', ');
}

function statusText({ partitions, ...summary }: ProjectionStatus): string {
  const headings = ['topic', 'partition', 'position', 'log end', 'lag', 'applied', 'duplicates', 'parked', 'dead'];
  const rows = partitions.map((one) => [
    one.topic,
    one.partition,
    one.position ?? '-',
    one.end,
    one.lag,
    one.applied,
    one.duplicates,
    one.parked,
    one.dead,
  ]);
  return `${table(HEADINGS, [row(summary)])}\n\n${table(headings, rows)}`;
}
