/** A short run; `node scripts/fuzz-broker.ts` does the long ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz/fuzz.ts';

test('spoilt requests harm nobody but who sends them', async () => {
  const report = await fuzz({ requests: 20_000, seed: 20_260_601 });
  assert.ok(report.spoilt >= 20_000);
  // so that none of this was in vain
  assert.ok(report.understood > 1_000, `${report.understood} answers were understood`);
  assert.ok(report.complaints > 500, `${report.complaints} connections were closed for their bytes`);
  assert.ok(report.garbageBatches > 20, `${report.garbageBatches} batches of attackers were stored`);
  assert.ok(report.acknowledged > 1_000 && report.verified >= 2 * report.acknowledged);
});
