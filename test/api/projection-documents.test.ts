/** Documents now, in the past and event by event; their keys; when records came to the log. Embedded, and on Kafka and Redis. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { LogRangeJson } from '../../src/api/log-range.ts';
import type { ChangesJson, KeysJson, KindsJson, StateJson } from '../../src/api/projection-documents.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { launchOnKafka } from '../support/live-kafka.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { missing } from '../support/requirements.ts';
import { until } from '../support/until.ts';

function suite(open: () => Promise<{ readonly live: LivePlatform } & AsyncDisposable>): void {
  let opened: Awaited<ReturnType<typeof open>>;
  before(async () => {
    opened = await open();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  async function ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${opened.live.url}/api/v1${path}`);
    const body = (await answer.json()) as T;
    assert.equal(answer.status, 200, JSON.stringify(body));
    return body;
  }
  async function problem(path: string): Promise<{ status: number; code: string; message: string }> {
    const answer = await fetch(`${opened.live.url}/api/v1${path}`);
    const body = (await answer.json()) as { status: number; code: string; detail: string };
    return { status: answer.status, code: body.code, message: body.detail };
  }
  async function publish(event: object): Promise<void> {
    const { platform } = opened.live;
    const made = platform.publisher.create(event);
    const placed = await platform.publisher.publish(made);
    const name = made.event_type === 'post_liked' ? 'engagement' : 'feed';
    await platform.applied(placed, 20_000, name);
  }
  const like = (id: string, user: string) => publish({ event_type: 'post_liked', user_id: user, content_id: id });
  async function moment(): Promise<string> {
    const last = Date.now();
    return new Date(await until(() => (Date.now() > last ? Date.now() : null), { everyMs: 1 })).toISOString();
  }

  it('tells a document now and before a time, the events that changed it, and when they came', async () => {
    const id = `content of ${process.pid}/1`;
    const key = encodeURIComponent(id);
    const empty = await moment();
    await like(id, 'ann');
    const one = await moment();
    await like(id, 'bob');
    await like(id, 'cid');

    const now = await ask<StateJson>(`/projections/engagement/state?key=${key}`);
    assert.deepEqual([now.at, now.document?.likes, now.folded, now.missing], [null, 3, 0, 0]);
    assert.deepEqual(now.kind?.fields.likes, { label: 'Likes', type: 'count', unit: 'events' });
    const past = await ask<StateJson>(`/projections/engagement/state?key=${key}&at=${one}&history=true`);
    assert.deepEqual([past.at, past.document?.likes], [one, 1]);
    assert.ok(past.previous_change! < Date.parse(one) && past.next_change! >= Date.parse(one));
    const none = await problem(`/projections/engagement/state?key=${key}&at=${empty}`);
    assert.deepEqual([none.status, none.code], [404, 'UNKNOWN_DOCUMENT']);
    const gone = await ask<StateJson>(`/projections/engagement/state?key=${key}&at=${empty}&or_null=true&history=true`);
    assert.deepEqual([gone.document, gone.next_change === null], [null, false]);
    const unknown = await problem('/projections/engagement/state?key=no%20such');
    assert.deepEqual([unknown.code, unknown.message], ['UNKNOWN_DOCUMENT', 'engagement has nothing at no such.']);

    const first = await ask<ChangesJson>(`/projections/engagement/changes?key=${key}&limit=2`);
    assert.equal(first.total, 3);
    assert.deepEqual(
      first.changes.map(({ user_id, event_type, fields }) => [user_id, event_type, fields[0]]),
      [
        ['cid', 'post_liked', { field: 'likes', before: 2, after: 3 }],
        ['bob', 'post_liked', { field: 'likes', before: 1, after: 2 }],
      ],
    );
    const rest = await ask<ChangesJson>(`/projections/engagement/changes?key=${key}&cursor=${first.cursor}`);
    assert.deepEqual([rest.total, rest.cursor, rest.changes.length], [1, null, 1]);
    const [oldest] = rest.changes;
    assert.deepEqual(oldest!.fields[0], { field: 'likes', before: null, after: 1 });
    const justAfter = new Date(oldest!.at + 1).toISOString();
    const then = await ask<StateJson>(`/projections/engagement/state?key=${key}&at=${justAfter}`);
    assert.equal(then.document?.likes, 1);
    const until1 = await ask<ChangesJson>(`/projections/engagement/changes?key=${key}&until=${one}`);
    assert.deepEqual([until1.total, until1.until], [1, one]);

    const range = await ask<LogRangeJson>('/log/range?projection=engagement');
    assert.ok(range.records >= 3);
    assert.equal(
      range.counts.reduce((sum, count) => sum + count, 0),
      range.records,
    );
    assert.ok(Date.parse(range.first!) <= oldest!.at && Date.parse(range.last!) >= first.changes[0]!.at);
    assert.ok(range.counts.length <= 96);
    const zoomed = await ask<LogRangeJson>(`/log/range?from=${empty}&to=${one}&buckets=10&projection=engagement`);
    assert.ok(zoomed.counts.length <= 10 && zoomed.bucket_ms < range.bucket_ms * 97);
  });

  it('knows kinds of documents, each with one that exists, and keys by prefix', async () => {
    await publish({ event_type: 'post_created', user_id: 'author 1', content_id: 'p1' });
    await publish({ event_type: 'follow_initiated', user_id: 'fan [1]*', data: { target_user_id: 'author 1' } });
    const { kinds } = await ask<KindsJson>('/projections/feed/kinds');
    assert.deepEqual(
      kinds.map(({ prefix, example }) => [prefix, example !== null]),
      [
        ['timeline/', true],
        ['posts/', true],
        ['followers/', true],
        ['following/', true],
        ['celebrities', false],
      ],
    );
    for (const { example } of kinds) {
      if (example !== null) await ask<StateJson>(`/projections/feed/state?key=${encodeURIComponent(example)}`);
    }
    const prefix = encodeURIComponent('following/fan [1]*');
    const found = await ask<KeysJson>(`/projections/feed/keys?prefix=${prefix}`);
    assert.deepEqual(found.keys, ['following/fan [1]*']);
    assert.deepEqual(
      found.recent.map(({ key, event_type }) => [key, event_type]),
      [['following/fan [1]*', 'follow_initiated']],
    );
    let page = await ask<KeysJson>('/projections/feed/keys?limit=1000');
    assert.ok(page.recent.length > 2);
    const all = [...page.keys];
    for (let pages = 1; page.cursor !== null; pages++) {
      assert.ok(pages < 100, 'the pages end');
      page = await ask<KeysJson>(`/projections/feed/keys?limit=1000&cursor=${encodeURIComponent(page.cursor)}`);
      all.push(...page.keys);
    }
    assert.ok(all.includes('posts/author 1'));
  });

  it('refuses what is no question', async () => {
    for (const [path, code] of [
      ['/projections/none/state?key=a', 'UNKNOWN_PROJECTION'],
      ['/projections/none/keys', 'UNKNOWN_PROJECTION'],
      ['/projections/engagement/state', 'INVALID_ARGUMENT'],
      ['/projections/engagement/state?key=a&at=noon', 'INVALID_ARGUMENT'],
      ['/projections/engagement/changes?key=a&cursor=x', 'INVALID_ARGUMENT'],
      ['/projections/engagement/changes?key=a&limit=0', 'INVALID_ARGUMENT'],
      ['/log/range?from=2026-05-27T14:00:00Z&to=2026-05-27T13:00:00Z', 'INVALID_ARGUMENT'],
      ['/log/range?projection=none', 'UNKNOWN_PROJECTION'],
    ] as const)
      assert.equal((await problem(path)).code, code, path);
  });
}

describe('documents of projections, embedded', () => {
  suite(async () => {
    const live = await launchPlatform({ pages: false });
    return { live, [Symbol.asyncDispose]: () => live[Symbol.asyncDispose]() };
  });

  it('stops folding when the client is gone', async (t) => {
    await using live = await launchPlatform({ pages: false });
    const begun = Promise.withResolvers<AbortSignal>();
    t.mock.method(live.platform.histories, 'documentAt', async (...[, , , signal]: unknown[]) => {
      begun.resolve(signal as AbortSignal);
      await once(signal as AbortSignal, 'abort');
      throw (signal as AbortSignal).reason;
    });
    const asked = request(
      `${live.url}/api/v1/projections/analytics/state?key=day/1&history=true&at=${new Date().toISOString()}`,
    );
    asked.on('error', () => {});
    asked.end();
    const signal = await begun.promise;
    assert.equal(signal.aborted, false);
    asked.destroy();
    await until(() => signal.aborted, { everyMs: 5 });
  });
});

describe('documents of projections, on Kafka and Redis', {
  skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false,
}, () => {
  suite(() => launchOnKafka(`documents-${process.pid}`, 13, { pages: false }));
});
