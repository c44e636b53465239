import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DAY, MINUTE, projectAnalytics, slotAt, TOP_CAPACITY } from '../../../src/domains/social/analytics.ts';
import {
  activeUsers,
  countsOf,
  FUNNEL_KEYS,
  funnelReport,
  slotsOf,
  topContent,
} from '../../../src/domains/social/analytics-report.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { seededRandom } from '../../../src/domains/social/seeded-random.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import type { Document } from '../../../src/kit/projections/projection-store.ts';
import { topOf } from '../../../src/kit/projections/space-saving.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { socialEvent } from './arbitraries.ts';
import { type CountedRecord, foldAnalytics } from './folds/analytics.ts';
import { PARTITIONS, project, STORES, turns } from './interleavings.ts';
import { at, follow, profile, reaction, registration } from './notification-events.ts';

const NOW = Date.UTC(2026, 4, 27, 15);

/** As `interleavings.ts` has it. */
function recordOf(event: SocialEvent): CountedRecord {
  return { event, partition: [...event.user_id].length % PARTITIONS, timestamp: NOW };
}
const deltas = (event: SocialEvent) => projectAnalytics(event, recordOf(event));
const run = (events: readonly SocialEvent[]) => project(new MemoryStore(), events, [], deltas);

// slots meet again after two days and after 400; some events claim to be of tomorrow's tomorrow
const minute = fc.oneof(
  fc.nat({ max: 5 }),
  fc.constantFrom(-2880, -2879, -400 * 1440, 1440, 1500, 2 * 1440, 10 * 1440, -1_000_000_000),
);
const author = fc.constantFrom('a', 'bb', '7', '__proto__');
const user = fc.oneof(author, fc.constantFrom('ccc', 'dddd', '\u{1F600}'));
const content = fc.constantFrom('p1', 'p2', '10', '__proto__', 'period');
const event = fc.oneof(
  fc.tuple(user, minute).map((args) => registration(...args)),
  fc.tuple(fc.constant('post_created' as const), author, content, minute).map((args) => reaction(...args)),
  fc.tuple(fc.constant('post_liked' as const), user, content, minute).map((args) => reaction(...args)),
  fc
    .tuple(fc.constantFrom('comment_added', 'content_shared', 'story_viewed'), user, content, minute)
    .map((args) => reaction(...args)),
  fc.tuple(user, user, minute).map((args) => follow(...args)),
  fc.tuple(user, fc.constant({}), minute).map((args) => profile(...args)),
);

function sorted(documents: ReadonlyMap<string, Document>): unknown {
  return [...documents]
    .filter(([key]) => !key.startsWith('top/'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, document]) => [key, Object.entries(document).sort()]);
}

for (const [name, open] of Object.entries(STORES)) {
  it(`every order of the partitions gives the documents of an independent fold (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60, size: 'max' }), turns, async (events, order) => {
        await using store = await open();
        const documents = await project(store, events, order, deltas);
        const fold = foldAnalytics(events.map(recordOf));
        assert.deepEqual(sorted(documents), sorted(fold.documents));
        const tops = [...documents.keys()].filter((key) => key.startsWith('top/'));
        assert.deepEqual(tops.sort(), [...fold.top.keys()].sort());
        for (const [key, { period, counts }] of fold.top) {
          const document = documents.get(key)!;
          assert.equal(document.period, period);
          assert.deepEqual(new Map(topOf(document).map(({ item, count }) => [item, count])), counts);
        }
      }),
      { numRuns: name === 'memory' ? 200 : 20 },
    );
  });
}

it('a store takes what any event gives', async () => {
  await fc.assert(
    fc.asyncProperty(socialEvent, async (one) => {
      await run([one]);
    }),
  );
});

describe('counts', () => {
  it('are by minute and by day of the event', async () => {
    const documents = await run([
      reaction('post_liked', 'a', 'p', 1),
      reaction('post_liked', 'b', 'p', 1),
      reaction('story_viewed', 'a', 'p', 2),
      reaction('post_liked', 'a', 'p', -24 * 60),
    ]);
    const slots = slotsOf({ fromMs: Date.parse(at(0)), toMs: Date.parse(at(2)) }, MINUTE);
    const minutes = slots.map((slot) => countsOf(slot, documents.get(`minute/${slot.slot}`) ?? null));
    assert.deepEqual(
      minutes.map(({ period, total, counts }) => [period, total, counts.post_liked, counts.story_viewed]),
      [
        ['2026-05-27T14:00:00Z', 0, 0, 0],
        ['2026-05-27T14:01:00Z', 2, 2, 0],
        ['2026-05-27T14:02:00Z', 1, 0, 1],
      ],
    );
    const today = slotAt(NOW, DAY);
    assert.deepEqual(today.period, '2026-05-27');
    assert.equal(countsOf(today, documents.get(`day/${today.slot}`)!).total, 3);
  });

  it('of a slot are of its latest period, and of another period are none', async () => {
    const documents = await run([reaction('post_liked', 'a', 'p', 0), reaction('post_liked', 'a', 'p', -2880)]);
    const [now] = slotsOf({ fromMs: Date.parse(at(0)), toMs: Date.parse(at(0)) }, MINUTE);
    const [before] = slotsOf({ fromMs: Date.parse(at(-2880)), toMs: Date.parse(at(-2880)) }, MINUTE);
    assert.equal(now!.slot, before!.slot);
    const document = documents.get(`minute/${now!.slot}`)!;
    assert.deepEqual([countsOf(now!, document).total, countsOf(before!, document).total], [1, 0]);
  });

  it('leave out what claims to be more than a day later than its record', async () => {
    const documents = await run([
      reaction('post_liked', 'a', 'p', 60 + 24 * 60),
      reaction('post_liked', 'a', 'p', 61 + 24 * 60),
    ]);
    assert.equal([...documents.keys()].filter((key) => key.startsWith('minute/')).length, 1);
  });

  it('are asked for within what is kept', () => {
    for (const [fromMs, toMs] of [
      [NOW, NOW - 60_000],
      [NOW - 2880 * 60_000, NOW],
    ] as const)
      assert.throws(
        () => slotsOf({ fromMs, toMs }, MINUTE),
        (error) => isKitError(error, 'INVALID_ARGUMENT'),
      );
    assert.equal(slotsOf({ fromMs: NOW - 2879 * 60_000, toMs: NOW }, MINUTE).length, 2880);
  });
});

it('active users are estimated within three standard errors, by day and over days', async () => {
  const events = Array.from({ length: 6_000 }, (_, i) =>
    reaction('story_viewed', `u${i % 4_000}`, 'p', i < 3_000 ? 0 : -24 * 60),
  );
  const documents = await run(events);
  const slots = slotsOf({ fromMs: NOW - DAY.ms, toMs: NOW }, DAY);
  const { periods, all } = activeUsers(
    slots,
    slots.map(({ slot }) => documents.get(`active/day/${slot}`) ?? null),
    DAY,
  );
  for (const [{ estimate, standard_error }, truth] of [
    [periods[0]!, 3_000],
    [periods[1]!, 3_000],
    [all, 4_000],
  ] as const)
    assert.ok(Math.abs(estimate - truth) <= 3 * standard_error * truth, `${estimate} instead of ${truth}`);
});

it('the top contents are counted within their errors, in bounded space', async () => {
  const random = seededRandom(11);
  const events = Array.from({ length: 30_000 }, () => {
    const rank = Math.floor(5_000 ** random.next());
    return reaction('story_viewed', 'u'.repeat(1 + (rank % PARTITIONS)), `c${rank}`, 0);
  });
  const documents = await run(events);
  const { slot, period } = slotAt(NOW, DAY);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => documents.get(`top/${partition}/${slot}`)!);
  const exact = new Map<string, number>();
  for (const one of events) if ('content_id' in one) exact.set(one.content_id, (exact.get(one.content_id) ?? 0) + 1);
  assert.ok(exact.size > PARTITIONS * TOP_CAPACITY, `${exact.size} contents`);
  for (const document of partitions) assert.equal(Object.keys(document).length, TOP_CAPACITY + 1);

  const { items, uncounted_at_most } = topContent(period, partitions, 10_000);
  assert.equal(items.length, PARTITIONS * TOP_CAPACITY);
  const listed = new Set(items.map(({ content_id }) => content_id));
  for (const { content_id, count, error } of items) {
    const truth = exact.get(content_id)!;
    assert.ok(count - error <= truth && truth <= count, `${content_id}: ${count} - ${error}, truly ${truth}`);
  }
  for (const [content_id, truth] of exact) assert.ok(listed.has(content_id) || truth <= uncounted_at_most);
  const heaviest = [...exact].sort(([, a], [, b]) => b - a).slice(0, 10);
  assert.deepEqual(
    topContent(period, partitions, 10)
      .items.map(({ content_id }) => content_id)
      .sort(),
    heaviest.map(([id]) => id).sort(),
  );
  assert.deepEqual(topContent('2026-05-26', partitions, 10), { items: [], uncounted_at_most: 0 });
});

it('the funnel counts each stage within three standard errors, and no stage more than the one before', async () => {
  const events = Array.from({ length: 3_000 }, (_, i) => [
    ...(i % 10 === 0 ? [] : [registration(`u${i}`)]),
    ...(i % 3 === 0 ? [reaction('post_created', `u${i}`, `p${i}`)] : []),
    ...(i % 2 === 0 ? [reaction('post_liked', 'x', `p${i}`)] : []),
  ]).flat();
  const documents = await run(events);
  const stages = funnelReport(FUNNEL_KEYS.map((key) => documents.get(key) ?? null));
  const { funnel } = foldAnalytics(events.map(recordOf));
  for (const { stage, estimate, standard_error } of stages) {
    const truth = funnel[stage].size;
    assert.ok(
      truth > 300 && Math.abs(estimate - truth) <= 3 * standard_error * truth,
      `${stage}: ${estimate}, ${truth}`,
    );
  }
  assert.deepEqual(
    stages.map(({ stage }) => stage),
    ['registered', 'posted', 'liked'],
  );
  assert.ok(stages[0]!.estimate > stages[1]!.estimate && stages[1]!.estimate > stages[2]!.estimate);
});
