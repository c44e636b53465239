import { join } from 'node:path';
import type { Command } from 'commander';
import { cacheDirectory } from '../config/cache-directory.ts';
import { DRILLS, drillNamed, SHORT_SELECTION } from '../drills/catalog.ts';
import type { Drill } from '../drills/drill.ts';
import { DEFAULT_RATE } from '../drills/drill-runs.ts';
import type { DrillReport } from '../drills/report/report.ts';
import { type SummaryRow, summaryRows, verdictText } from '../drills/report/text.ts';
import { markdown, readReports, worstRows } from '../drills/report/worst.ts';
import { lackOf } from '../drills/requirements.ts';
import { runDrill } from '../drills/run-drill.ts';
import { SABOTAGES, type Sabotage } from '../drills/sabotage.ts';
import { KitError } from '../kit/errors.ts';
import { print, printJson, table } from './output.ts';
import { untilSignal } from './signals.ts';
import { fraction, integer, type VerbContext } from './verbs.ts';

interface DrillFlags {
  readonly all?: boolean;
  readonly short?: boolean;
  readonly rate?: number;
  readonly seed?: number;
  readonly scale?: number;
  readonly runs: number;
  readonly skip: boolean;
  readonly reportDir?: string;
  readonly sabotage?: Sabotage;
  readonly json?: boolean;
}

export function drillVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('drill').description('break a running system on purpose, and judge what it did');

  context
    .verb(noun, 'list', 'the drills and what each proves')
    .option('--json', 'print JSON')
    .action((flags: { json?: boolean }) => {
      const rows = DRILLS.map(({ name, proves, promises }) => ({ name, proves, promises }));
      if (flags.json) for (const row of rows) printJson(row);
      else
        print(
          table(
            ['drill', 'promises', 'proves'],
            rows.map((row) => [row.name, row.promises.join(' '), row.proves]),
          ),
        );
    });

  context
    .verb(noun, 'table', 'all reports of a folder as one Markdown table: for each criterion the worst run')
    .option('--report-dir <dir>', 'where the reports are (default: drills in the data directory)')
    .action(async (flags: { reportDir?: string }) => {
      print(markdown(worstRows(await readReports(flags.reportDir ?? reportDirectory(context)))));
    });

  context
    .verb(noun, 'run [names...]', 'run drills, each on a system of its own; exit code 4 when a verdict is no', {
      isDefault: true,
    })
    .option('--all', 'every drill')
    .option('--short', `the selection that the tests run: ${SHORT_SELECTION.join(', ')}`)
    .option('--rate <n>', 'events per second offered (default: the drill decides)', integer(1, 100_000))
    .option('--seed <n>', 'of the traffic and of what is random in a drill', integer(0, 2 ** 31))
    .option('--scale <x>', 'length of the phases, as a factor', fraction)
    .option('--runs <n>', 'how often, with one seed after another', integer(1, 1_000), 1)
    .option('--no-skip', 'what cannot run here is a failure')
    .option('--report-dir <dir>', 'gets a folder per run (default: drills in the data directory)')
    .option('--sabotage <safeguard>', `take one away, to see the drill fail: ${SABOTAGES.join(', ')}`, sabotage)
    .option('--json', 'print the reports as NDJSON, without their timelines')
    .action((names: string[], flags: DrillFlags) => run(chosen(names, flags), flags, context));
}

function reportDirectory(context: VerbContext): string {
  return join(context.loaded.settings.dataDir, 'drills');
}

async function run(drills: readonly Drill[], flags: DrillFlags, context: VerbContext): Promise<void> {
  const stop = new AbortController();
  void untilSignal().then(() => stop.abort(new KitError('INTERRUPTED', 'the drill was stopped before its end')));
  const rows: SummaryRow[] = [];
  for (const drill of drills) rows.push(await runs(drill, flags, context, stop.signal));

  if (drills.length > 1 && !flags.json) print(`\n${table(['drill', 'verdict', 'longest', 'why'], summaryRows(rows))}`);
  const failed = rows.filter(({ runs: each }) => each.some(({ passed }) => !passed));
  if (failed.length > 0)
    throw new KitError('VERDICT_NOT_MET', `failed: ${failed.map(({ drill }) => drill).join(', ')}`);
  const skipped = rows.filter((row) => row.skipped !== null);
  if (skipped.length > 0 && (!flags.skip || skipped.length === rows.length)) {
    const text = skipped.map((row) => `${row.drill} needs ${row.skipped}`).join('; ');
    throw new KitError('MISSING_COMPONENT', text, { details: { skipped: skipped.map(({ drill }) => drill) } });
  }
}

async function runs(drill: Drill, flags: DrillFlags, context: VerbContext, signal: AbortSignal): Promise<SummaryRow> {
  const lack = await lackOf(drill.requires);
  if (lack !== null) {
    process.stderr.write(`${drill.name}: skipped, it needs ${lack.remedy}\n`);
    return { drill: drill.name, runs: [], skipped: lack.remedy };
  }
  const reports: DrillReport[] = [];
  const firstSeed = flags.seed ?? 1;
  for (let index = 0; index < flags.runs; index++) {
    const label = flags.runs > 1 ? `${drill.name} ${index + 1}/${flags.runs}` : drill.name;
    const { report, directory } = await runDrill(drill, {
      ratePerSecond: flags.rate ?? drill.defaults.ratePerSecond ?? DEFAULT_RATE,
      seed: firstSeed + index,
      scale: flags.scale ?? drill.defaults.scale ?? 1,
      sabotage: flags.sabotage ?? null,
      reportDirectory: flags.reportDir ?? reportDirectory(context),
      cacheDirectory: cacheDirectory(),
      signal,
      onProgress: (text) => process.stderr.write(`${label}: ${text}\n`),
    });
    reports.push(report);
    if (flags.json) printJson({ ...report, timeline: undefined, directory });
    else
      print(
        `${verdictText(report, table)}\nreport: ${join(directory, 'report.json')}\nplot:   ${join(directory, 'plot.svg')}`,
      );
  }
  return { drill: drill.name, runs: reports, skipped: null };
}

/** @throws KitError UNKNOWN_DRILL, USAGE */
function chosen(names: readonly string[], { all, short }: DrillFlags): readonly Drill[] {
  if (all) return DRILLS;
  const wanted = short ? [...SHORT_SELECTION, ...names] : names;
  if (wanted.length === 0) throw new KitError('USAGE', 'name a drill (streamsocial drill list), or --all');
  return wanted.map(drillNamed);
}

function sabotage(text: string): Sabotage {
  const found = SABOTAGES.find((one) => one === text);
  if (found === undefined) throw new KitError('USAGE', `--sabotage is one of ${SABOTAGES.join(', ')}`);
  return found;
}
