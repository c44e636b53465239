/** A drill's verdict for people. */
import type { DrillReport } from './report.ts';

/** Under headings, columns as wide as their widest cell. */
export function verdictText(report: DrillReport, table: (head: string[], rows: string[][]) => string): string {
  const { drill, passed, criteria, findings, notes, error, durationS } = report;
  const rows = criteria.map(({ name, limit, measured, pass }) => [name, limit, measured, pass ? 'pass' : 'FAIL']);
  return [
    '',
    table([`${drill}: criterion`, 'limit', 'measured', 'verdict'], rows),
    ...findings.map(
      ({ kind, count, examples }) => `\n${kind} (${count})${examples.map((one) => `\n  ${one}`).join('')}`,
    ),
    ...notes.map((note) => `note: ${note}`),
    ...(error === null ? [] : [`error: ${error}`]),
    `${passed ? 'PASSED' : 'FAILED'} in ${durationS} s`,
  ].join('\n');
}

export interface SummaryRow {
  readonly drill: string;
  readonly runs: readonly DrillReport[];
  /** Why it did not run. */
  readonly skipped: string | null;
}

/** One line a drill, and for each criterion that is a number the worst of its runs. */
export function summaryRows(rows: readonly SummaryRow[]): string[][] {
  return rows.map(({ drill, runs, skipped }) => {
    if (skipped !== null) return [drill, 'skipped', '', skipped];
    const failed = runs.filter(({ passed }) => !passed);
    const seconds = Math.max(...runs.map(({ durationS }) => durationS));
    const verdict = failed.length === 0 ? 'passed' : `FAILED ${failed.length} of ${runs.length}`;
    const why = failed.flatMap((run) => [
      ...run.criteria.filter(({ pass }) => !pass).map(({ name, measured }) => `${name}: ${measured}`),
      ...(run.error === null ? [] : [run.error]),
    ]);
    return [
      drill,
      runs.length > 1 ? `${verdict} (${runs.length} runs)` : verdict,
      `${seconds} s`,
      [...new Set(why)].join('; '),
    ];
  });
}
