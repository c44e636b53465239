import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check } from '../../../src/drills/checker/check.ts';
import type { Observation } from '../../../src/drills/checker/findings.ts';
import type { HistoryEntry } from '../../../src/drills/history/history.ts';
import { deadLetterHeaders } from '../../../src/kit/dlq/dead-letter.ts';
import { applied, findingsOf, GROUP, kindsOf, logOf, mark, observationOf, PLACE, sent } from './small-scene.ts';

const ALL = applied(null, 2, [0, 1]);
const TWO = [sent('a', 0), sent('b', 1)];

describe('publishes', () => {
  test('an unknown one may be in the log once, and not twice', async () => {
    assert.deepEqual(await kindsOf([sent('a', 'unknown'), sent('b', 0), applied(null, 1, [0])], logOf('b')), []);
    assert.deepEqual(await kindsOf([sent('a', 'unknown'), sent('b', 1), ALL], logOf('a', 'b')), []);
    assert.deepEqual(await kindsOf([sent('a', 'unknown'), ALL], logOf('a', 'a')), ['duplicate-in-log']);
  });

  test('a failed one explains nothing, even beside one that was acknowledged', async () => {
    const [finding, ...others] = await findingsOf([sent('a', 0), sent('a', 'failed'), ALL], logOf('a', 'a'));
    assert.deepEqual([finding?.kind, finding?.count, others], ['aborted-read', 1, []]);
  });

  test('the order of an unknown one counts where its record can be told', async () => {
    const late = [sent('a', 'unknown'), sent('b', 0), ALL];
    assert.deepEqual(await kindsOf(late, logOf('b', 'a')), ['reordered-in-log']);
    const either = [sent('a', 'unknown'), sent('b', 0), sent('a', 'unknown'), ALL];
    assert.deepEqual(await kindsOf(either, logOf('b', 'a')), []);
  });

  test('one key in two partitions has no order', async () => {
    const logs = [logOf('a'), logOf('z', 'b').map((record) => ({ ...record, partition: 1 }))];
    const observation: Observation = {
      partitions: logs.map(({ length }, partition) => ({ ...PLACE, partition, earliest: 0, latest: length })),
      projections: [],
      async *records({ partition }) {
        yield logs[partition]!;
      },
    };
    const history = [sent('a', 0), sent('b', 1, { partition: 1 }), sent('z', 0, { partition: 1, process: 'load-2' })];
    const { findings } = await check(history, observation);
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ['reordered-in-log'],
    );
  });

  test('several answers may name one record, and explain one only', async () => {
    assert.deepEqual(await kindsOf([sent('a', 0), sent('a', 0), applied(null, 1, [0])], logOf('a')), []);
    assert.deepEqual(await kindsOf([sent('a', 0), sent('a', 0), ALL], logOf('a', 'a')), ['duplicate-in-log']);
  });

  test('an acknowledgement without a place is no history', async () => {
    await assert.rejects(kindsOf([sent('a', 0, { partition: null })], logOf('a')), { code: 'HISTORY_UNREADABLE' });
  });

  test('one id on two topics is two events', async () => {
    assert.deepEqual(await kindsOf([...TWO, sent('a', 'failed', { topic: 'user-actions' }), ALL], logOf('a', 'b')), []);
  });
});

describe('transactions of which nobody knows', () => {
  const unknown = (expect: number | null, next: number, offsets: readonly number[]) =>
    applied(expect, next, offsets, { outcome: 'unknown', completedMs: null });

  test('happened when the position moved on by no other way', async () => {
    const first = unknown(null, 1, [0]);
    assert.deepEqual(await kindsOf([...TWO, first, applied(1, 2, [1], { epoch: 2 })], logOf('a', 'b')), []);
    const last = [applied(null, 1, [0]), unknown(1, 2, [1])];
    assert.deepEqual(await kindsOf([...TWO, ...last], logOf('a', 'b')), []);
  });

  test('did not happen when the position is still where they began', async () => {
    const again = [unknown(null, 2, [0, 1]), applied(null, 2, [0, 1], { epoch: 2 })];
    assert.deepEqual(await kindsOf([...TWO, ...again], logOf('a', 'b')), []);
    const less = [unknown(null, 2, [0, 1]), applied(null, 2, [1], { epoch: 2 })];
    assert.deepEqual(await kindsOf([...TWO, ...less], logOf('a', 'b')), ['skipped-offset'], 'they excuse nothing');
  });

  test('happened, and so an effect of theirs is repeated by a later one', async () => {
    const history = [...TWO, unknown(null, 1, [0]), applied(1, 2, [0, 1], { epoch: 2 })];
    assert.deepEqual(await kindsOf(history, logOf('a', 'b')), ['repeated-offset']);
  });

  test('stay open where two began at one position', async () => {
    const history = [...TWO, unknown(null, 1, [0]), unknown(null, 1, []), applied(1, 2, [1], { epoch: 2 })];
    assert.deepEqual(await kindsOf(history, logOf('a', 'b')), []);
  });

  test('follow each other', async () => {
    const log = logOf('a', 'b', 'c', 'd');
    const all = [...TWO, sent('c', 2), sent('d', 3)];
    const chain = [unknown(null, 1, [0]), unknown(1, 3, [1, 2]), unknown(1, 2, [1])];
    assert.deepEqual(await kindsOf([...all, ...chain, applied(3, 4, [3], { epoch: 2 })], log), []);
    const gap = [unknown(null, 1, [0]), unknown(2, 3, [2]), applied(3, 4, [3], { epoch: 2 })];
    const [finding] = await findingsOf([...all, ...gap], log);
    assert.deepEqual([finding?.kind, finding?.count], ['skipped-offset', 1]);
  });
});

describe('a store that lost its data', () => {
  const log = logOf('a', 'b');
  const again = (): HistoryEntry[] => [applied(null, 1, [0], { epoch: 2 }), applied(1, 2, [1], { epoch: 2 })];

  test('may begin again once a mark', async () => {
    const once = [...TWO, applied(null, 2, [0, 1]), mark('store-reset'), ...again()];
    assert.deepEqual(await kindsOf(once, log), []);
    const twice = [...once, applied(null, 2, [0, 1], { epoch: 3 })];
    assert.deepEqual(await kindsOf(twice, log), ['repeated-offset']);
  });

  test('may not begin again without one, nor by another mark', async () => {
    for (const label of ['broker-1 killed', null]) {
      const history = [...TWO, applied(null, 2, [0, 1]), ...(label === null ? [] : [mark(label)]), ...again()];
      const [finding] = await findingsOf(history, log);
      assert.deepEqual([finding?.kind, finding?.count], ['repeated-offset', 2]);
    }
  });

  test('must be built up again', async () => {
    const history = [...TWO, applied(null, 2, [0, 1]), mark('store-reset'), applied(null, 2, [1], { epoch: 2 })];
    assert.deepEqual(await kindsOf(history, log), ['skipped-offset']);
  });

  test('keeps what was before the position that it fell back to', async () => {
    const history = [...TWO, applied(null, 1, [0]), applied(1, 2, [1]), mark('store-reset'), applied(1, 2, [1])];
    assert.deepEqual(await kindsOf(history, log), []);
  });

  test('may apply what was given up in the life before', async () => {
    const [record] = logOf('a');
    const observation = await observationOf([record!]);
    const dlq = { ...PLACE, topic: `${PLACE.topic}.dlq` };
    const letter = { record: record!, group: GROUP, code: 'X', reason: 'x', deliveryCount: 5, firstFailedAt: 0 };
    const dead = { ...record!, ...dlq, headers: deadLetterHeaders(letter) };
    const withLetter: Observation = {
      ...observation,
      partitions: [...observation.partitions, { ...dlq, earliest: 0, latest: 1 }],
      async *records({ topic }) {
        yield topic === dlq.topic ? [dead] : [record!];
      },
    };
    const given = [sent('a', 0), applied(null, 1, [], { dead: 1 })];
    const now = [mark('store-reset'), applied(null, 1, [0], { epoch: 2 })];
    assert.deepEqual((await check([...given, ...now], withLetter)).findings, []);
    const kinds = (await check([sent('a', 0), applied(null, 1, [0], { dead: 1 })], withLetter)).findings;
    assert.deepEqual(kinds.map(({ kind }) => kind).sort(), ['counter-mismatch', 'unbalanced'], 'never in one life');
  });

  test('may use its epochs again', async () => {
    const history = [...TWO, applied(null, 2, [0, 1], { epoch: 5 }), mark('store-reset')];
    assert.deepEqual(await kindsOf([...history, applied(null, 2, [0, 1], { process: 'consumer-2' })], log), []);
  });
});

describe('what must not pass', () => {
  test('a projection that never ran', async () => {
    const never = { next: null, tallies: { applied: 0, duplicates: 0, dead: 0 } };
    assert.deepEqual(await kindsOf(TWO, logOf('a', 'b'), never), ['unbalanced', 'counter-mismatch']);
  });

  test('a projection that stopped early, though what it has is right', async () => {
    const { next, tallies } = { next: 0, tallies: { applied: 0, duplicates: 0, dead: 0 } };
    assert.ok((await kindsOf(TWO, logOf('a', 'b'), { next, tallies })).includes('unbalanced'));
  });

  test('parked records that the store has forgotten', async () => {
    const history = [...TWO, applied(null, 2, [1], { parked: [0] })];
    const [finding] = await findingsOf(history, logOf('a', 'b:d'));
    assert.equal(finding?.kind, 'skipped-offset');
    assert.match(finding?.examples[0] ?? '', /parked 1 records .*content-interactions\/0@0.* holds 0/);
  });

  test('a partition of which a recorded group has no transaction', async () => {
    const other = applied(null, 1, [0], { topic: 'user-actions' });
    assert.deepEqual(await kindsOf([...TWO, other], logOf('a', 'b')), ['skipped-offset']);
  });
});

test('a group of which nobody wrote anything down is judged by its counters and tallies', async () => {
  assert.deepEqual(await kindsOf(TWO, logOf('a', 'b')), []);
});
