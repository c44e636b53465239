/** Many runs of the drills in one table: for each criterion the worst that was measured. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KitError } from '../../kit/errors.ts';
import type { Criterion } from '../drill.ts';
import type { DrillReport } from './report.ts';

export type ReportSummary = Pick<DrillReport, 'drill' | 'passed' | 'startedAt' | 'criteria' | 'durationS' | 'sabotage'>;

export interface WorstRow {
  readonly drill: string;
  readonly criterion: string;
  readonly limit: string;
  /** As it was printed in the worst run. */
  readonly worst: string;
  readonly passed: number;
  readonly runs: number;
}

/** Every report below a folder, the oldest first; those of sabotaged runs are left out. @throws KitError FILE_NOT_FOUND */
export async function readReports(directory: string): Promise<ReportSummary[]> {
  const folders = await readdir(directory, { withFileTypes: true }).catch((cause) => {
    throw new KitError('FILE_NOT_FOUND', `there is no folder ${directory}`, { cause });
  });
  const reports = [];
  for (const folder of folders.filter((entry) => entry.isDirectory())) {
    const text = await readFile(join(directory, folder.name, 'report.json'), 'utf8').catch(() => null);
    if (text !== null) reports.push(JSON.parse(text) as ReportSummary);
  }
  return reports.filter(({ sabotage }) => sabotage === null).sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

export function worstRows(reports: readonly ReportSummary[]): WorstRow[] {
  return [...Map.groupBy(reports, ({ drill }) => drill)].flatMap(([drill, runs]) => {
    const criteria = runs.flatMap((run) => run.criteria);
    return [...Map.groupBy(criteria, ({ name }) => name)].map(([criterion, measured]) => ({
      drill,
      criterion,
      limit: measured[0]!.limit,
      worst: measured.reduce(worse).measured,
      passed: measured.filter(({ pass }) => pass).length,
      // a run that broke off before the criterion was measured has not met it
      runs: runs.length,
    }));
  });
}

function worse(a: Criterion, b: Criterion): Criterion {
  if (a.pass !== b.pass) return a.pass ? b : a;
  if (a.value === null || b.value === null) return a;
  return a.limit.startsWith('at least') === a.value < b.value ? a : b;
}

/** What was never found in any run shares a row, or the table would be mostly zeros. */
export function markdown(rows: readonly WorstRow[]): string {
  const cells = [...Map.groupBy(rows, ({ drill }) => drill)].flatMap(([drill, all]) => {
    const clean = all.filter((row) => row.limit === 'none' && row.passed === row.runs);
    const others = all.filter((row) => !clean.includes(row));
    const names = clean.map(({ criterion }) => criterion).join('; ');
    const joined = clean.slice(0, 1).map((row) => ({ ...row, criterion: names }));
    return [...others, ...joined].map(({ criterion, limit, worst, passed, runs }) =>
      [drill, criterion, limit, worst, `${passed} of ${runs}`].join(' | '),
    );
  });
  return ['drill | criterion | limit | worst | met', '---|---|---|---|---', ...cells]
    .map((row) => `| ${row} |`)
    .join('\n');
}
