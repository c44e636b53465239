import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { ApplyOperation, HistoryEntry } from '../../src/drills/history/history.ts';
import { readHistory } from '../../src/drills/history/read-history.ts';
import { HistoryRecorder } from '../../src/drills/history/recorder.ts';
import { recordingLog } from '../../src/drills/history/recording-log.ts';
import { recordingStore } from '../../src/drills/history/recording-store.ts';
import { KitError } from '../../src/kit/errors.ts';
import { eventually } from '../../src/kit/log/contract-support.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { MemoryStore } from '../support/memory-store.ts';

async function historyFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-history-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'one.ndjson');
}

async function entriesOf(file: string): Promise<HistoryEntry[]> {
  return Array.fromAsync(readHistory([file]));
}

const PUBLISH = {
  sequence: 0,
  eventId: 'e-1',
  topic: 't',
  key: 'k',
  invokedMs: 1,
  completedMs: 2,
  outcome: 'acked',
  partition: 0,
  offset: 7,
  code: null,
} as const;

const BATCH = { topic: 't', partition: 0, epoch: 1, expect: null, next: 1, park: [], unpark: [], dead: 0, now: 0 };

describe('the history of a process', () => {
  test('what is written is read back, in the order in which it ended', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'load');
    recorder.publish(PUBLISH);
    recorder.mark('killed', 5);
    recorder.close();
    assert.deepEqual(await entriesOf(file), [
      { kind: 'publish', process: 'load', ...PUBLISH },
      { kind: 'mark', process: 'load', atMs: 5, label: 'killed' },
    ]);
  });

  test('of a process that is going to be killed, publishes that were begun are known too', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'load');
    const { completedMs, outcome, partition, offset, code, ...begun } = PUBLISH;
    const end = recorder.publishBegun(begun);
    recorder.publishBegun({ ...begun, sequence: 1 });
    end({ completedMs, outcome, partition, offset, code });
    recorder.close();
    const entries = await entriesOf(file);
    assert.deepEqual(
      entries.map((entry) => entry.kind === 'publish' && [entry.sequence, entry.outcome, entry.offset]),
      [
        [0, 'acked', 7],
        [1, 'unknown', null],
      ],
    );
  });

  test('a transaction that has no end, since its process was killed, is there with an unknown outcome', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'consumer');
    const entry = { group: 'g', topic: 't', partition: 0, epoch: 1, expect: 0, parked: [], unparked: [], dead: 0 };
    const end = recorder.apply({ ...entry, next: 1, offsets: [0] });
    recorder.apply({ ...entry, next: 2, offsets: [1] });
    end('ok');
    const applies = (await entriesOf(file)) as ApplyOperation[];
    assert.deepEqual(
      applies.map(({ offsets, outcome, completedMs }) => [offsets[0], outcome, completedMs === null]),
      [
        [0, 'ok', false],
        [1, 'unknown', true],
      ],
    );
  });

  test('a last line that was cut short is left out, any other is an error that names the line', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'load');
    recorder.mark('one', 1);
    await appendFile(file, '{"kind":"mark","pro');
    assert.equal((await entriesOf(file)).length, 1);
    await appendFile(file, '\n');
    recorder.mark('two', 2);
    recorder.close();
    await assert.rejects(entriesOf(file), { code: 'HISTORY_UNREADABLE', details: { file, line: 2 } });
  });

  test('a process that was ended before it wrote anything has no entries', async () => {
    assert.deepEqual(await entriesOf('/nowhere/at-all.ndjson'), []);
  });

  test('transactions of a store are recorded with what it answered, or that nobody knows', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'consumer');
    const memory = new MemoryStore('engagement');
    const store = recordingStore(memory, 'g', recorder);
    const { epoch } = await store.claim({ topic: 't', partition: 0 });
    await store.apply({ ...BATCH, epoch, effects: [{ offset: 0, eventId: 'a', deltas: [] }] });
    await store.apply({ ...BATCH, epoch: epoch - 1, effects: [] });
    memory.apply = async () => {
      throw new KitError('STORE_UNAVAILABLE', 'gone', { retriable: true });
    };
    await assert.rejects(store.apply({ ...BATCH, epoch, effects: [] }), { code: 'STORE_UNAVAILABLE' });
    recorder.close();
    const outcomes = ((await entriesOf(file)) as ApplyOperation[]).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['ok', 'fenced', 'unknown']);
  });

  test('a member is seen to own its partitions from its assignment to its revocation', async (t) => {
    const file = await historyFile(t);
    const recorder = new HistoryRecorder(file, 'consumer');
    const log = recordingLog(new MemoryLog({ t: 2 }), recorder);
    let assigned = false;
    const member = await log.group('g').join({
      topics: ['t'],
      onAssigned: async () => {
        assigned = true;
        return [];
      },
      onRecords: async () => {},
      onRevoked: async () => {},
    });
    await eventually(() => assigned);
    await member.leave();
    recorder.close();
    const entries = await entriesOf(file);
    assert.deepEqual(
      entries.map((entry) => [entry.kind, 'partitions' in entry && entry.partitions.length]),
      [
        ['assigned', 2],
        ['revoked', 2],
      ],
    );
  });
});
