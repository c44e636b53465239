import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Post } from '../../../src/domains/social/feed-candidates.ts';
import { below, cursorOf, rankOf } from '../../../src/domains/social/feed-page.ts';
import { HALF_LIFE_SECONDS, rank, scoreOf } from '../../../src/domains/social/feed-ranking.ts';
import { isKitError } from '../../../src/kit/errors.ts';
import { id } from './arbitraries.ts';

const NONE = { likes: 0, comments: 0, shares: 0, views: 0 };
const MS = 1000;
const NOON = Date.UTC(2026, 4, 27, 12);

const post: fc.Arbitrary<Post> = fc.record({
  content_id: id,
  author: fc.constant('a'),
  created_at: fc.nat({ max: 100 }).map((hour) => new Date(NOON + hour * 3_600_000).toISOString()),
});
const posts = fc.uniqueArray(post, { selector: ({ content_id }) => content_id, maxLength: 30, size: 'max' });
const counters = fc.option(
  fc.record(
    { likes: fc.nat({ max: 50 }), shares: fc.nat({ max: 5 }), views: fc.nat({ max: 999 }) },
    { requiredKeys: [] },
  ),
);

describe('the score', () => {
  it('is log2 of one and the weighted counters, and the time in half-lives', () => {
    assert.equal(scoreOf(NONE, NOON), NOON / MS / HALF_LIFE_SECONDS);
    const engagement = { likes: 3, comments: 2, shares: 1, views: 50 };
    assert.equal(scoreOf(engagement, 0), Math.log2(1 + 3 + 2 * 2 + 3 * 1 + 0.1 * 50));
  });

  it('puts a post level with one that is 12 hours younger when it has twice as much', () => {
    const twice = scoreOf({ ...NONE, likes: 15 }, NOON);
    assert.ok(Math.abs(twice - scoreOf({ ...NONE, likes: 7 }, NOON + 12 * 3_600_000)) < 1e-9);
    assert.ok(twice > scoreOf({ ...NONE, likes: 7 }, NOON + 11 * 3_600_000));
    assert.ok(twice < scoreOf({ ...NONE, likes: 7 }, NOON + 13 * 3_600_000));
  });

  it('orders as engagement that decays by half in 12 hours does, at any later time', () => {
    const decayed = (likes: number, atMs: number, nowMs: number) => (1 + likes) * 2 ** ((atMs - nowMs) / 43_200_000);
    const item = fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 100_000 }));
    fc.assert(
      fc.property(item, item, fc.nat({ max: 200_000 }), ([likesA, secondsA], [likesB, secondsB], later) => {
        const nowMs = NOON + (100_000 + later) * MS;
        const byDecay = decayed(likesA, NOON + secondsA * MS, nowMs) / decayed(likesB, NOON + secondsB * MS, nowMs);
        const byScore =
          scoreOf({ ...NONE, likes: likesA }, NOON + secondsA * MS) -
          scoreOf({ ...NONE, likes: likesB }, NOON + secondsB * MS);
        assert.ok(Math.abs(byScore - Math.log2(byDecay)) < 1e-9);
      }),
    );
  });
});

describe('pages', () => {
  it('fit together: each post once, in the order of the whole', () => {
    fc.assert(
      fc.property(
        posts,
        fc.array(counters, { minLength: 30, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        (all, counts, limit) => {
          const ranked = rank(all, counts);
          const read: typeof ranked = [];
          let cursor: string | null = null;
          do {
            const page = below(ranked, cursor === null ? null : rankOf(cursor)).slice(0, limit);
            read.push(...page);
            cursor = page.length < limit ? null : cursorOf(page.at(-1)!);
          } while (cursor !== null);
          assert.deepEqual(read, ranked);
        },
      ),
    );
  });

  it('never show again what was shown, whatever is counted meanwhile', () => {
    const grown = fc.array(fc.nat({ max: 1_000 }), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(posts, fc.array(grown, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (all, growth, limit) => {
        const likes = all.map(() => 0);
        const seen = new Set<string>();
        let cursor: string | null = null;
        for (const more of growth) {
          const ranked = rank(
            all,
            likes.map((count) => ({ likes: count })),
          );
          const page = below(ranked, cursor === null ? null : rankOf(cursor)).slice(0, limit);
          for (const { content_id } of page) {
            assert.ok(!seen.has(content_id));
            seen.add(content_id);
          }
          if (page.length === 0) return;
          cursor = cursorOf(page.at(-1)!);
          likes.forEach((count, index) => {
            likes[index] = count + more[index]!;
          });
        }
      }),
    );
  });
});

describe('a cursor', () => {
  it('comes back as the rank it was made of, any score and any id', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), id, (score, content_id) => {
        assert.deepEqual(rankOf(cursorOf({ score, content_id })), { score, content_id });
      }),
    );
  });

  it('of others is refused', () => {
    const ours = cursorOf({ score: 41_201.5, content_id: 'post_1' });
    const infinite = cursorOf({ score: Number.POSITIVE_INFINITY, content_id: 'post_1' });
    const control = cursorOf({ score: 1, content_id: 'a\nb' });
    const notUtf8 = Buffer.from([64, 0, 0, 0, 0, 0, 0, 0, 0xff]).toString('base64url');
    for (const cursor of ['', 'x', '!!!', `${ours}=`, ` ${ours}`, ours.slice(0, 10), infinite, control, notUtf8])
      assert.throws(
        () => rankOf(cursor),
        (error) => isKitError(error, 'INVALID_ARGUMENT'),
        cursor,
      );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          assert.equal(cursorOf(rankOf(text)), text);
        } catch (error) {
          assert.ok(isKitError(error, 'INVALID_ARGUMENT'));
        }
      }),
    );
  });
});
