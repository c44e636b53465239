import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { ProjectionStatus } from '../pipelines/projection-status.ts';
import type { RebuildReport } from '../pipelines/rebuild.ts';
import type { Client } from './client.ts';
import { momentOf } from './moment.ts';
import { EXIT, Progress, print, printJson } from './output.ts';
import { untilSignal } from './signals.ts';
import type { VerbContext } from './verbs.ts';

interface RebuildFlags {
  readonly shadow?: boolean;
  readonly from?: string;
  readonly diff?: boolean;
  readonly keep?: boolean;
  readonly incomplete?: boolean;
  readonly execute?: boolean;
  readonly json?: boolean;
}

const POLL_MS = 100;
const SHOWN_DIFFERENCES = 5;

export function projectionRebuildVerb(noun: Command, context: VerbContext): void {
  context
    .verb(noun, 'rebuild <name>', 'fold a projection from the log again')
    .option('--shadow', 'beside the live one, which goes on; swapped in at once when it is there')
    .option('--diff', 'with --shadow: compare both and swap only with --execute; exit code 4 where they differ')
    .option('--from <time>', 'keep what was so until then, as the newest snapshot has it: RFC 3339, 14:00, or -2h')
    .option('--keep', 'with --shadow: keep the version that was live')
    .option('--incomplete', 'although the log no longer has its beginning')
    .option('--execute', 'without --shadow: empty it and fold it in place; with --diff: swap')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nA bug in a projection is mended so: change the function, start the new code, then\n' +
        '  projections rebuild NAME --shadow --diff             what would change\n' +
        '  projections rebuild NAME --shadow --diff --execute   change it, at once\n',
    )
    .action(async (name: string, flags: RebuildFlags) => {
      const body = bodyOf(flags);
      if (!flags.shadow && !flags.execute && !flags.diff && !flags.keep)
        return dryRun(name, flags.json === true, context);
      await context.withClient({ consume: context.loaded.settings.log === 'embedded' }, async (client) => {
        const report = await runRebuild(client, `/api/v1/projections/${encodeURIComponent(name)}/rebuild`, body);
        if (flags.json) printJson(report);
        else print(reportText(report));
        judge(report);
      });
    });
}

async function dryRun(name: string, json: boolean, context: VerbContext): Promise<void> {
  await context.withClient({ consume: false }, async (client) => {
    const status = await client.request<ProjectionStatus>('GET', `/api/v1/projections/${encodeURIComponent(name)}`);
    if (json) return printJson({ ...status, executed: false });
    print(
      `${name} would be emptied and folded again in place; until that is done, readers see part of it and its consumers wait.\n` +
        'nothing was changed; --execute does it, --shadow builds it beside the live one',
    );
  });
}

function bodyOf({ from, json: _, ...flags }: RebuildFlags): Record<string, unknown> {
  // settings are flags too, and none of the request's business
  const { shadow, diff, keep, incomplete, execute } = flags;
  const chosen = Object.entries({ shadow, diff, keep, incomplete, execute }).filter(([, value]) => value !== undefined);
  if (from === undefined) return Object.fromEntries(chosen);
  const at = momentOf(from, Date.now());
  if (at === null)
    throw new KitError(
      'USAGE',
      `--from ${from}: it must be a time such as 2026-05-27T14:00:00Z, 14:00, or how long ago, such as -2h`,
    );
  return { ...Object.fromEntries(chosen), from: new Date(at).toISOString() };
}

/** Ctrl-C cancels it. */
async function runRebuild(client: Client, path: string, body: Record<string, unknown>): Promise<RebuildReport> {
  const progress = new Progress();
  let interrupted = false;
  void untilSignal().then(() => {
    interrupted = true;
  });
  let report = await client.request<RebuildReport>('POST', path, { body });
  const { id, projection } = report;
  while (report.state === 'RUNNING') {
    if (interrupted) {
      progress.clear();
      return client.request<RebuildReport>('DELETE', path);
    }
    progress.update(`${projection}: ${report.phase}, ${report.folded} records folded, ${report.behind} behind`);
    await delay(POLL_MS);
    report = await client.request<RebuildReport>('GET', path);
    if (report.id !== id) throw new KitError('REBUILD_LOST', `${projection} is rebuilt by somebody else meanwhile`);
  }
  progress.clear();
  return report;
}

function reportText(report: RebuildReport): string {
  const { projection, version, folded, paused_ms: pausedMs, from_snapshot: fromSnapshot, comparison } = report;
  const count = folded.toLocaleString('en-US');
  const lines: string[] = [];
  if (report.state === 'DONE') {
    const since = fromSnapshot === null ? 'from the beginning of the log' : `on top of the snapshot of ${fromSnapshot}`;
    const done = !report.shadow
      ? 'rebuilt in place'
      : report.swapped
        ? `version ${version} is live`
        : 'not swapped: a dry run';
    lines.push(`${projection}: ${count} records folded ${since}; ${done}; its consumers waited ${pausedMs} ms`);
  }
  if (comparison !== null) {
    const { compared, differing, differences } = comparison;
    lines.push(
      differing === 0
        ? `${compared.toLocaleString('en-US')} documents compared, no difference`
        : `${differing.toLocaleString('en-US')} of ${compared.toLocaleString('en-US')} documents differ`,
      ...differences
        .slice(0, SHOWN_DIFFERENCES)
        .flatMap(({ key, live, rebuilt }) => [
          `  ${key}`,
          `    live    ${JSON.stringify(live)}`,
          `    rebuilt ${JSON.stringify(rebuilt)}`,
        ]),
    );
  }
  return lines.join('\n');
}

function judge({ state, error, comparison, shadow, swapped }: RebuildReport): void {
  if (state === 'CANCELLED') {
    const left = shadow
      ? 'the live version is as it was'
      : 'it is as far as it came, and its consumers go on from there';
    process.stderr.write(`cancelled; ${left}\n`);
    process.exitCode = 130;
  } else if (state === 'FAILED') {
    throw new KitError(error?.code ?? 'REBUILD_FAILED', error?.message ?? 'the rebuild failed');
  } else if (comparison !== null && comparison.differing > 0 && !swapped) {
    process.stderr.write('they differ; --execute swaps the rebuilt version in\n');
    process.exitCode = EXIT.verdictNotMet;
  }
}
