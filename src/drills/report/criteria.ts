/** Rows of a verdict, and those that hold for every drill. */
import type { CheckReport, FindingKind } from '../checker/findings.ts';
import type { Criterion } from '../drill.ts';

/** P7 of docs/DESIGN.md. */
const MAX_RSS_BYTES = 512 * 1024 * 1024;

export function atMost(name: string, limit: number, measured: number, unit: string): Criterion {
  return row(name, `at most ${count(limit)} ${unit}`, measured, unit, measured <= limit);
}

export function atLeast(name: string, limit: number, measured: number, unit: string): Criterion {
  return row(name, `at least ${count(limit)} ${unit}`, measured, unit, measured >= limit);
}

export function none(name: string, measured: number): Criterion {
  return { name, limit: 'none', measured: count(measured), value: measured, pass: measured === 0 };
}

/** A fact that is no number. */
export function holds(name: string, limit: string, measured: string, pass: boolean): Criterion {
  return { name, limit, measured, value: null, pass };
}

/** With a tenth. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** Shown in seconds; the comparison is of milliseconds. */
export function withinSeconds(name: string, limitS: number, measuredMs: number): Criterion {
  return {
    name,
    limit: `at most ${limitS} s`,
    measured: `${seconds(measuredMs)} s`,
    value: measuredMs / 1000,
    pass: measuredMs <= limitS * 1000,
  };
}

const GROUPS: readonly (readonly [name: string, kinds: readonly FindingKind[]])[] = [
  ['lost', ['lost-acknowledged', 'skipped-offset', 'hole-in-log']],
  ['duplicated', ['duplicate-in-log', 'repeated-offset']],
  ['reordered within a key', ['reordered-in-log', 'reordered-apply']],
  ['in the log or applied, and never sent', ['aborted-read', 'phantom']],
  ['partitions with two owners', ['two-owners']],
  ['not accounted for', ['unbalanced', 'dead-letter-mismatch']],
  ['counters that differ from an independent fold', ['counter-mismatch']],
];

/** What the checker found. A kind that is in no row would be a finding that nobody sees, so there is a row for the rest. */
export function checkCriteria({ findings, checked }: CheckReport): Criterion[] {
  const total = (kinds: readonly FindingKind[]) =>
    findings.reduce((sum, finding) => sum + (kinds.includes(finding.kind) ? finding.count : 0), 0);
  const grouped = GROUPS.flatMap(([, kinds]) => kinds);
  const others = findings.filter(({ kind }) => !grouped.includes(kind)).map(({ kind }) => kind);
  return [
    atLeast('events checked', 1, checked.inLog, 'records in the log'),
    ...GROUPS.map(([name, kinds]) => none(name, total(kinds))),
    ...(others.length > 0 ? [none(others.join(', '), total(others))] : []),
  ];
}

export function memoryCriterion(highest: ReadonlyMap<string, number>): Criterion[] {
  if (highest.size === 0) return [];
  const [name, bytes] = [...highest].sort((a, b) => b[1] - a[1])[0]!;
  const mebibytes = Math.round(bytes / 1024 / 1024);
  return [
    {
      name: 'resident memory of a process',
      limit: 'at most 512 MiB',
      measured: `${mebibytes} MiB (${name})`,
      value: mebibytes,
      pass: bytes <= MAX_RSS_BYTES,
    },
  ];
}

function row(name: string, limit: string, value: number, unit: string, pass: boolean): Criterion {
  return { name, limit, measured: `${count(value)} ${unit}`, value, pass };
}

function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}
