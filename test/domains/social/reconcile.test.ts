import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { projectActivity } from '../../../src/domains/social/activity.ts';
import { socialEventCodec as codec } from '../../../src/domains/social/codec.ts';
import { project } from '../../../src/domains/social/engagement.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { compare, createFold } from '../../../src/domains/social/reconcile.ts';
import type { LogRecord } from '../../../src/kit/log/event-log.ts';
import type { Delta, Document } from '../../../src/kit/projections/projection-store.ts';
import { socialEvent } from './arbitraries.ts';

function toRecord(event: SocialEvent, offset: number): LogRecord {
  const { topic, key, value, headers } = codec.encode(event);
  return { topic, partition: 0, offset, key: Buffer.from(key), value, headers, timestamp: 0 };
}

/** What a projection store makes of deltas, in the plainest way. */
function applyAll(deltas: Iterable<Delta>): Map<string, Document> {
  const documents = new Map<string, Record<string, number | string>>();
  for (const { key, add = {}, max = {} } of deltas) {
    const document = documents.get(key) ?? {};
    documents.set(key, document);
    for (const [field, by] of Object.entries(add)) document[field] = Number(document[field] ?? 0) + by;
    for (const [field, text] of Object.entries(max)) {
      const before = document[field];
      if (before === undefined || String(before) < text) document[field] = text;
    }
  }
  return documents;
}

const like = (event_id: string, content_id = 'c'): SocialEvent => ({
  event_id,
  event_type: 'post_liked',
  user_id: 'u',
  content_id,
  timestamp: '2026-05-27T14:00:00Z',
  data: {},
  metadata: { source: '/s', schema_version: '1' },
});

describe('fold', () => {
  it('agrees with the projections for any events, repeated or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(socialEvent, { maxLength: 40 }),
        fc.array(fc.nat({ max: 39 })),
        async (events, again) => {
          const unique = [...new Map(events.map((event) => [event.event_id, event])).values()];
          const repeated = again.flatMap((index) => unique[index] ?? []);
          const fold = createFold(codec.decode);
          for (const [offset, event] of [...unique, ...repeated].entries()) fold.add(toRecord(event, offset));

          const engagement = await compare(applyAll(unique.flatMap(project)), fold.engagement());
          const activity = await compare(applyAll(unique.flatMap(projectActivity)), fold.activity());
          assert.deepEqual([engagement.differences, activity.differences], [[], []]);
          const total = (field: 'in_log' | 'duplicates' | 'counted'): number =>
            fold.topics().reduce((sum, topic) => sum + topic[field], 0);
          assert.equal(total('in_log'), unique.length + repeated.length);
          assert.equal(total('duplicates'), repeated.length);
          assert.equal(total('counted'), unique.length);
        },
      ),
    );
  });

  it('counts the unreadable and the set aside apart; neither makes a later event a duplicate', () => {
    const fold = createFold(codec.decode, ({ offset }) => offset === 1);
    fold.add({ ...toRecord(like('a'), 0), value: Buffer.from('?') });
    for (const [offset, id] of [...'bbb'].entries()) fold.add(toRecord(like(id), offset + 1));
    assert.deepEqual(fold.topics(), [
      { topic: 'content-interactions', in_log: 4, unreadable: 1, duplicates: 1, set_aside: 1, counted: 1 },
    ]);
    assert.deepEqual(
      [...fold.engagement()],
      [['c', { likes: 1, shares: 0, comments: 0, views: 0, last_updated: '2026-05-27T14:00:00.000Z' }]],
    );
  });

  it('remembers ids per partition, as projections do', () => {
    const fold = createFold(codec.decode);
    fold.add(toRecord(like('a'), 0));
    fold.add({ ...toRecord(like('a'), 0), partition: 1 });
    assert.equal(fold.topics()[0]?.counted, 2);
  });
});

describe('compare', () => {
  const expected = new Map<string, Document>([
    ['a', { likes: 2, views: 0, last_updated: 'x' }],
    ['b', { likes: 1, last_updated: 'y' }],
  ]);

  it('takes a missing counter for 0', async () => {
    const documents = [
      ['a', { likes: 2, last_updated: 'x' }] as const,
      ['b', { likes: 1, shares: 0, last_updated: 'y' }] as const,
    ];
    assert.deepEqual(await compare(documents, expected), { compared: 2, differing: 0, differences: [] });
  });

  it('lists what differs, on either side', async () => {
    const documents = [['a', { likes: 3, last_updated: 'x' }] as const, ['z', { likes: 1 }] as const];
    assert.deepEqual(await compare(documents, expected), {
      compared: 3,
      differing: 3,
      differences: [
        { key: 'a', field: 'likes', projection: 3, fold: 2 },
        { key: 'z', field: 'likes', projection: 1, fold: 0 },
        { key: 'b', field: 'likes', projection: 0, fold: 1 },
        { key: 'b', field: 'last_updated', projection: null, fold: 'y' },
      ],
    });
  });

  it('counts every difference and lists the first hundred', async () => {
    const documents = Array.from({ length: 250 }, (_, i) => [`k${i}`, { likes: 1 }] as const);
    const { differing, differences } = await compare(documents, new Map());
    assert.deepEqual([differing, differences.length], [250, 100]);
  });
});
