import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CheckReport, FindingKind } from '../../src/drills/checker/findings.ts';
import {
  atLeast,
  atMost,
  checkCriteria,
  memoryCriterion,
  none,
  withinSeconds,
} from '../../src/drills/report/criteria.ts';
import { plot } from '../../src/drills/report/plot.ts';
import type { DrillReport } from '../../src/drills/report/report.ts';
import { summaryRows, verdictText } from '../../src/drills/report/text.ts';
import { markdown, worstRows } from '../../src/drills/report/worst.ts';

const CHECKED: CheckReport['checked'] = {
  publishes: 10,
  acknowledged: 10,
  unknown: 0,
  failed: 0,
  inLog: 10,
  applied: 10,
  duplicates: 0,
  parked: 0,
  deadLettered: 0,
  documents: 3,
  transactions: 2,
  ownershipChanges: 1,
};

const KINDS: readonly FindingKind[] = [
  'lost-acknowledged',
  'duplicate-in-log',
  'reordered-in-log',
  'aborted-read',
  'phantom',
  'hole-in-log',
  'reordered-apply',
  'skipped-offset',
  'repeated-offset',
  'two-owners',
  'counter-mismatch',
  'unbalanced',
  'dead-letter-mismatch',
];

function report(change: Partial<DrillReport> = {}): DrillReport {
  return {
    drill: 'broker-kill',
    proves: 'a < b & c',
    promises: ['P1'],
    startedAt: '2026-01-01T00:00:00.000Z',
    durationS: 40,
    passed: true,
    criteria: [atMost('gap', 5, 3, 's')],
    findings: [],
    checked: CHECKED,
    notes: [],
    error: null,
    marks: [{ atMs: 500, label: 'kafka-1 killed' }],
    bucketMs: 250,
    timeline: [0, 1, 2, 3].map((i) => ({
      atMs: i * 250,
      acked: i === 2 ? 0 : 2_500,
      applied: 2_000,
      p50Ms: i === 2 ? null : 4,
      p99Ms: i === 2 ? null : 20,
      maxMs: i === 2 ? null : 4_000,
    })),
    memory: [],
    machine: { cores: 2, memoryBytes: 1, node: 'v24' },
    ratePerSecond: 10_000,
    seed: 1,
    scale: 1,
    sabotage: null,
    ...change,
  };
}

describe('verdicts', () => {
  test('limits include their own value', () => {
    assert.deepEqual(
      [
        atMost('a', 5, 5, 's'),
        atMost('a', 5, 5.1, 's'),
        atLeast('a', 80, 80, '%'),
        atLeast('a', 80, 79.9, '%'),
        withinSeconds('a', 5, 5_000),
        withinSeconds('a', 5, 5_001),
      ].map(({ pass }) => pass),
      [true, false, true, false, true, false],
    );
  });

  test('every kind of finding fails a drill', () => {
    for (const kind of KINDS) {
      const criteria = checkCriteria({ findings: [{ kind, count: 1, examples: ['here'] }], checked: CHECKED });
      assert.equal(criteria.filter(({ pass }) => !pass).length, 1, kind);
    }
    assert.ok(checkCriteria({ findings: [], checked: CHECKED }).every(({ pass }) => pass));
  });

  test('a check that has seen no record is no pass', () => {
    const criteria = checkCriteria({ findings: [], checked: { ...CHECKED, inLog: 0 } });
    assert.ok(criteria.some(({ pass }) => !pass));
  });

  test('the largest process decides about memory', () => {
    const [criterion] = memoryCriterion(
      new Map([
        ['load', 100 * 2 ** 20],
        ['consumer', 513 * 2 ** 20],
      ]),
    );
    assert.equal(criterion!.pass, false);
    assert.match(criterion!.measured, /513 MiB \(consumer\)/);
  });

  test('the text names what failed and where', () => {
    const failed = report({
      passed: false,
      findings: [{ kind: 'phantom', count: 2, examples: ['t/0 offset 7'] }],
      error: 'a quiet moment did not come within 1 s (DRILL_STUCK)',
    });
    const text = verdictText(failed, (head, rows) => [head, ...rows].map((row) => row.join('|')).join('\n'));
    for (const part of ['gap|at most 5 s|3 s|pass', 'phantom (2)', 't/0 offset 7', 'DRILL_STUCK', 'FAILED'])
      assert.ok(text.includes(part), part);
  });

  test('the summary tells how many of the runs failed and why', () => {
    const bad = report({ passed: false, durationS: 60, criteria: [atMost('gap', 5, 9, 's')] });
    assert.deepEqual(summaryRows([{ drill: 'broker-kill', runs: [report(), bad], skipped: null }]), [
      ['broker-kill', 'FAILED 1 of 2 (2 runs)', '60 s', 'gap: 9 s'],
    ]);
    assert.deepEqual(summaryRows([{ drill: 'x', runs: [], skipped: 'root' }]), [['x', 'skipped', '', 'root']]);
  });
});

describe('the table of many runs', () => {
  test('has the worst of each criterion, whichever way is worse, and how many runs met it', () => {
    const runs = [3, 9, 4].map((gap, i) =>
      report({ criteria: [atMost('gap', 5, gap, 's'), atLeast('throughput', 80, 90 - i, '%')] }),
    );
    assert.deepEqual(
      worstRows(runs).map(({ criterion, worst, passed, runs: all }) => [criterion, worst, passed, all]),
      [
        ['gap', '9 s', 2, 3],
        ['throughput', '88 %', 3, 3],
      ],
    );
  });

  test('puts what was never found into one row, and what was into its own', () => {
    const runs = [0, 2].map((lost) =>
      report({ criteria: [none('lost', lost), none('doubled', 0), none('reordered', 0)] }),
    );
    const text = markdown(worstRows(runs));
    assert.match(text, /\| lost \| none \| 2 \| 1 of 2 \|/);
    assert.match(text, /\| doubled; reordered \| none \| 0 \| 2 of 2 \|/);
  });

  test('counts a run that broke off as one that met nothing', () => {
    const rows = worstRows([report(), report({ passed: false, criteria: [], error: 'stuck' })]);
    assert.match(markdown(rows), /\| broker-kill \| gap \| at most 5 s \| 3 s \| 1 of 2 \|/);
  });
});

describe('the plot', () => {
  test('shows both panels, the fault and a hole where nothing was acknowledged', () => {
    const svg = plot(report());
    assert.match(svg, /kafka-1 killed/);
    assert.match(svg, /a &lt; b &amp; c/);
    assert.equal(svg.match(/<path /g)?.length, 5);
    const latencies = svg.match(/<path d="([^"]+)"/g)!.slice(2);
    for (const path of latencies) assert.equal(path.match(/M/g)?.length, 2, 'a new stroke after the hole');
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });

  test('a drill that never got to its load still has one', () => {
    assert.doesNotMatch(plot(report({ timeline: [], marks: [], passed: false })), /NaN|Infinity|undefined/);
  });
});
