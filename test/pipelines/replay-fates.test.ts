import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedDeadLetter } from '../../src/kit/dlq/dead-letter-filter.ts';
import type { SentAgain } from '../../src/kit/dlq/replay-jobs.ts';
import type { ParkedRecord } from '../../src/kit/projections/projection-store.ts';
import type { Projection } from '../../src/pipelines/projection.ts';
import { fatesOf } from '../../src/pipelines/replay-fates.ts';
import { MemoryStore } from '../support/memory-store.ts';

const sent = (offset: number, group = 'g'): SentAgain => ({ id: `${offset}`, group, topic: 't', partition: 0, offset });

test('an event is pending, parked, applied, dead or not known of, as its group has it', async () => {
  const store = new MemoryStore('things');
  const { epoch } = await store.claim({ topic: 't', partition: 0 });
  const parked: ParkedRecord = { offset: 1, key: 'k', attempts: 1, dueAt: 2, firstFailedAt: 1, reason: 'later' };
  const batch = { topic: 't', partition: 0, epoch, expect: null, next: 3, effects: [], park: [parked], unpark: [] };
  await store.apply({ ...batch, dead: 1, now: 1 });
  const projection = { name: 'engagement', group: 'g', topics: ['t'], store } as unknown as Projection;
  const dead = new Map([['g/t/0/2', {} as ListedDeadLetter]]);
  const asked: (readonly string[])[] = [];
  const deadLetters = {
    async find(ids: readonly string[]) {
      asked.push(ids);
      return dead;
    },
  };
  const all = [sent(0), sent(1), sent(2), sent(3), sent(0, 'another')];
  assert.deepEqual(await fatesOf(all, [projection], deadLetters), ['applied', 'parked', 'dead', 'pending', 'unknown']);
  assert.equal(asked.length, 1);
});
