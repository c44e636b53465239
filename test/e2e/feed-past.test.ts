/** A feed as it was: posts, likes and moderation that came later do not show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApi } from '../../src/api/build-api.ts';
import { apiSettings } from '../../src/cli/api-settings.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { openPlatform } from '../../src/pipelines/open-platform.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

test('GET /api/v1/users/{id}/feed?at= answers from the log', async (t) => {
  const dataDir = await dataDirectory(t);
  const { settings } = loadSettings({ flags: { dataDir, brokerPort: 'off' }, env: {} });
  const platform = await openPlatform(settings, { consume: true });
  const api = buildApi({ platform, settings: apiSettings(settings) });
  t.after(async () => {
    await api.close();
    await platform.close();
  });
  const publish = async (event_type: string, user_id: string, more: object = {}) => {
    const payload = { event_type, user_id, ...more };
    const answer = await api.inject({ method: 'POST', url: '/api/v1/events', payload });
    assert.equal(answer.statusCode, 201, answer.body);
    return answer.json() as { topic: string; partition: number; offset: number };
  };
  const feed = async (query = '') => (await api.inject(`/api/v1/users/alice/feed?${query}`)).json();
  const ids = (page: { items: { content_id: string }[] }) => page.items.map(({ content_id }) => content_id);

  await publish('follow_initiated', 'alice', { data: { target_user_id: 'bob' } });
  await publish('post_created', 'bob', { content_id: 'early' });
  await publish('post_created', 'bob', { content_id: 'hidden later' });
  // the log's times are of a millisecond: what comes next must not share it
  const appended = Date.now();
  const moment = await until(() => (Date.now() > appended ? Date.now() : null), { everyMs: 1 });
  const hidden = await publish('content_moderated', 'mod', { content_id: 'hidden later', data: { action: 'hidden' } });
  const liked = await publish('post_liked', 'carol', { content_id: 'early' });
  const late = await publish('post_created', 'bob', { content_id: 'late' });
  const seen = async (name: 'moderation' | 'engagement' | 'feed', at: typeof late) =>
    platform.applied(at, 20_000, name);
  await Promise.all([seen('moderation', hidden), seen('engagement', liked), seen('feed', late)]);

  const now = await feed();
  assert.deepEqual(ids(now).sort(), ['early', 'late']);
  const at = new Date(moment).toISOString();
  const past = await feed(`at=${at}`);
  assert.deepEqual(ids(past).sort(), ['early', 'hidden later']);
  assert.deepEqual(
    past.items.map(({ engagement }: { engagement: { likes: number } }) => engagement.likes),
    [0, 0],
  );
  const wrong = await feed(`at=${at}&after=${late.topic}:${late.partition}:${late.offset}`);
  assert.equal(wrong.code, 'INVALID_ARGUMENT');
  assert.equal((await feed('at=noon')).code, 'INVALID_ARGUMENT');
});
