import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportText } from '../../../src/drills/checker/report-text.ts';

const checked = {
  publishes: 1_200,
  acknowledged: 1_198,
  unknown: 1,
  failed: 1,
  inLog: 1_199,
  applied: 1_190,
  duplicates: 1,
  parked: 0,
  deadLettered: 8,
  documents: 40,
  transactions: 12,
  ownershipChanges: 3,
};
const LOOKED_AT =
  '1,200 publishes (1,198 acknowledged, 1 unknown, 1 failed), 1,199 records, 12 transactions, 3 changes of ownership; ' +
  '1,190 applied, 1 duplicate, 0 parked, 8 dead-lettered, 40 documents compared';

test('says in how much nothing was found', () => {
  assert.equal(reportText({ findings: [], checked }), `nothing found in ${LOOKED_AT}`);
});

test('shows what was found, and how much more there is', () => {
  const findings = [
    { kind: 'phantom', count: 3, examples: ['one', 'another'] },
    { kind: 'unbalanced', count: 1, examples: ['here'] },
  ] as const;
  assert.equal(
    reportText({ findings, checked }),
    `phantom: 3\n  one\n  another\n  and 1 more\nunbalanced: 1\n  here\nin ${LOOKED_AT}`,
  );
});
