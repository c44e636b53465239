import type { DemoReport } from '../pipelines/demo.ts';
import type { Reconciliation } from '../pipelines/reconciliation.ts';
import { table } from './output.ts';

const count = (value: number) => value.toLocaleString('en-US');

export function reconciliationText(result: Reconciliation): string {
  const rows = result.topics.map((topic) => [
    topic.topic,
    topic.in_log,
    topic.applied,
    topic.duplicates,
    topic.parked,
    topic.dead_lettered,
    topic.pending,
    topic.balanced ? 'yes' : 'NO',
  ]);
  const headings = ['topic', 'in log', 'applied', 'duplicates', 'parked', 'dead-lettered', 'pending', 'balanced'];
  const end = result.balanced ? 'balanced' : 'NOT BALANCED';
  return `${table(headings, rows)}\n${reactionsText(result)}\n${comparisonText(result)}\n${end}`;
}

/** A line while all is well, else the rows that are not. */
function reactionsText({ reactions }: Reconciliation): string {
  const wrong = reactions.filter(({ balanced, parked }) => !balanced || parked > 0);
  const names = [...new Set(reactions.map(({ projection }) => projection))].join(', ');
  if (wrong.length === 0) return `${names}: every event accounted for`;
  const rows = wrong.map((one) => [
    one.projection,
    one.topic,
    one.in_log,
    one.applied,
    one.parked,
    one.dead,
    one.pending,
  ]);
  return table(['projection', 'topic', 'in log', 'applied', 'parked', 'dead', 'pending'], rows);
}

function comparisonText({ compared, differing, differences }: Reconciliation): string {
  if (compared === null) return 'counters were not compared: events are parked, in the log but not counted yet';
  if (differing === 0) return `${count(compared)} counters equal an independent fold of the log`;
  const examples = differences.slice(0, 3).map((one) => `${one.key} ${one.field}: ${one.projection}, fold ${one.fold}`);
  return `${count(differing)} of ${count(compared)} counters DIFFER from the fold of the log, e.g. ${examples.join('; ')}`;
}

export function demoText(report: DemoReport): string {
  const lines = [
    `demo (seed ${report.seed}): ${count(report.published)} of ${count(report.requested)} published, ${count(report.in_log)} of them in the log; ` +
      `${count(report.applied)} applied, ${count(report.duplicates)} duplicates, ${count(report.parked)} parked, ${count(report.dead_lettered)} dead-lettered`,
  ];
  if (report.reconciliation !== null) lines.push(reconciliationText(report.reconciliation));
  if (report.error !== undefined) lines.push(`failed: ${report.error}`);
  return lines.join('\n');
}
