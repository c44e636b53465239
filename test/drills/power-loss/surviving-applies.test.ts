import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DiskPosition } from '../../../src/drills/faults/power-loss/disk-state.ts';
import { SurvivingApplies } from '../../../src/drills/faults/power-loss/surviving-applies.ts';
import { readHistory } from '../../../src/drills/history/read-history.ts';
import { HistoryRecorder } from '../../../src/drills/history/recorder.ts';

type Row = readonly [epoch: number, expect: number, next: number, offsets: number[], ended?: 'killed'];

function histories(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'applies-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return (name: string, rows: readonly Row[]): string => {
    const file = join(directory, name);
    const recorder = new HistoryRecorder(file, name);
    for (const [epoch, expect, next, offsets, ended] of rows) {
      const at = { group: 'g', topic: 't', partition: 0, parked: [], unparked: [], dead: 0 };
      const end = recorder.apply({ ...at, epoch, expect, next, offsets });
      if (ended === undefined) end('ok');
    }
    recorder.close();
    return file;
  };
}

async function left(file: string): Promise<(readonly [number, number, string])[]> {
  const entries = await Array.fromAsync(readHistory([file]));
  return entries.flatMap((entry) =>
    entry.kind === 'apply' ? [[entry.expect!, entry.next, entry.outcome] as const] : [],
  );
}

const disk = (epoch: number, next: number, settled: number) =>
  new Map<string, DiskPosition>([['t/0', { epoch, next, settled }]]);

test('transactions after the one that the disk has last are taken back, retries of parked records too', async (t) => {
  const write = histories(t);
  const applies = new SurvivingApplies();
  const one = write('one', [
    [1, 0, 3, [0, 1]],
    [1, 3, 3, [2]],
    [1, 3, 6, [3, 5]],
    [1, 6, 6, [4]],
    [1, 6, 7, [6]],
  ]);
  assert.equal(await applies.keep([one], disk(1, 6, 5)), 2);
  assert.deepEqual(await left(one), [
    [0, 3, 'ok'],
    [3, 3, 'ok'],
    [3, 6, 'ok'],
  ]);
  const two = write('two', [
    [2, 6, 6, [4]],
    [2, 6, 8, [6, 7]],
  ]);
  assert.equal(await applies.keep([two], disk(2, 8, 8)), 0);
});

test('an epoch that the disk does not have, and what came after a transaction that is gone', async (t) => {
  const write = histories(t);
  const one = write('one', [
    [1, 0, 2, [0, 1]],
    [1, 2, 9, [2, 3, 4, 5, 6, 7, 8]],
    [1, 9, 9, []],
  ]);
  const two = write('two', [[2, 2, 2, []]]);
  assert.equal(await new SurvivingApplies().keep([one, two], disk(1, 2, 4)), 3);
  assert.deepEqual(await left(one), [[0, 2, 'ok']]);
  assert.deepEqual(await left(two), []);
});

test('one that a kill came before stays unknown, and does not count for what the next process did in its place', async (t) => {
  const write = histories(t);
  const one = write('one', [
    [1, 0, 2, [0, 1]],
    [1, 2, 4, [2, 3], 'killed'],
  ]);
  const two = write('two', [
    [2, 2, 4, [2, 3]],
    [2, 4, 5, [4]],
    [2, 5, 6, [5], 'killed'],
  ]);
  assert.equal(await new SurvivingApplies().keep([one, two], disk(2, 5, 5)), 1);
  assert.deepEqual(await left(one), [
    [0, 2, 'ok'],
    [2, 4, 'unknown'],
  ]);
  assert.deepEqual(await left(two), [
    [2, 4, 'ok'],
    [4, 5, 'ok'],
  ]);
});
