import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JourneyAnswer, RelationsAnswer } from '../../src/api/journeys.ts';
import type { SearchJson } from '../../src/api/search.ts';
import { type LivePlatform, launchPlatform } from '../support/live-platform.ts';
import { until } from '../support/until.ts';

interface Place {
  readonly event_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

describe('journeys and search over HTTP', () => {
  let live: LivePlatform & AsyncDisposable;
  before(async () => {
    live = await launchPlatform({ pages: false });
  });
  after(() => live?.[Symbol.asyncDispose]());

  const get = async <T>(path: string, status = 200): Promise<T> => {
    const response = await fetch(live.url + path);
    const text = await response.text();
    assert.equal(response.status, status, text);
    return JSON.parse(text) as T;
  };
  const publish = async (event: object): Promise<Place> => {
    const response = await fetch(`${live.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: 'alice', timestamp: new Date().toISOString(), ...event }),
    });
    assert.equal(response.status, 201);
    return (await response.json()) as Place;
  };
  const settled = (path: string) =>
    until(async () => {
      const journey = await get<JourneyAnswer>(path);
      return journey.settled ? journey : null;
    });

  it('a published event is followed to its effects, by id and by place', async () => {
    const { event_id, ...place } = await publish({ event_type: 'post_liked', content_id: 'post/1 ü' });
    const journey = await settled(`/api/v1/journeys/${event_id}`);
    assert.equal(journey.state, 'COMMITTED');
    assert.equal(journey.event?.content_id, 'post/1 ü');
    assert.deepEqual({ ...place, ...journey.record }, journey.record);
    const reading = journey.lanes.filter(({ reads }) => reads).map(({ handler }) => handler);
    assert.deepEqual(reading, ['engagement', 'notifications', 'analytics']);
    for (const { fates } of journey.lanes.filter(({ reads }) => reads)) {
      assert.equal(fates[0]!.outcome, 'applied');
      assert.ok(fates[0]!.since_stored_ms! >= 0 && fates[0]!.since_stored_ms! < 20_000);
    }
    const effects = journey.steps.filter(({ kind }) => kind === 'applied');
    assert.deepEqual(new Set(effects.map(({ handler }) => handler)), new Set(reading));
    assert.equal(
      (await get<JourneyAnswer>(`/api/v1/journeys/${event_id}?at=content-interactions:0:9`)).event_id,
      event_id,
    );
    const byPlace = await get<JourneyAnswer>(
      `/api/v1/journeys?position=${place.topic}:${place.partition}:${place.offset}`,
    );
    assert.equal(byPlace.event_id, event_id);
    assert.equal((await get<JourneyAnswer>(`/api/v1/journeys?event_id=${event_id}`)).event_id, event_id);
  });

  it('ids of any characters, and relations', async () => {
    const causation_id = 'order/7 ü?#';
    await publish({ event_id: causation_id, event_type: 'post_liked', content_id: 'p' });
    const caused = await publish({ event_type: 'post_liked', content_id: 'p', metadata: { causation_id } });
    const path = `/api/v1/journeys/${encodeURIComponent(causation_id)}`;
    assert.equal((await get<JourneyAnswer>(path)).found_by, 'idempotency');
    const relations = await get<RelationsAnswer>(`${path}/relations`);
    assert.deepEqual(
      relations.caused.map(({ record }) => record.event_id),
      [caused.event_id],
    );
  });

  it('what is not there is a problem that says what was looked at', async () => {
    const problem = await get<Record<string, unknown>>('/api/v1/journeys/nothing', 404);
    assert.deepEqual([problem.code, problem.complete, problem.retriable], ['UNKNOWN_EVENT', true, false]);
    assert.ok(Array.isArray(problem.searched));
    const further = await get<Record<string, unknown>>('/api/v1/journeys/nothing?further=true', 404);
    assert.equal(further.complete, true);
    assert.equal((await get<{ code: string }>('/api/v1/journeys', 400)).code, 'INVALID_ARGUMENT');
    assert.equal((await get<{ code: string }>('/api/v1/journeys?position=x', 400)).code, 'INVALID_ARGUMENT');
    assert.equal((await get<{ code: string }>('/api/v1/journeys?position=nowhere:0:1', 404)).code, 'UNKNOWN_EVENT');
  });

  it('search finds events, contents, users, topics, groups, dead letters and documents, each where it is shown', async () => {
    const { event_id } = await publish({ event_type: 'post_created', content_id: 'sought', user_id: 'bob' });
    await publish({ event_type: 'post_liked', content_id: 'sought', user_id: 'carol' });
    await settled(`/api/v1/journeys/${event_id}`);
    const { platform } = live;
    const poison = await platform.producer.send({
      topic: 'content-interactions',
      partition: 0,
      key: Buffer.from('spoiled'),
      value: Buffer.from('{'),
      headers: [],
    });
    const letter = `${live.settings.kafkaGroupId}/content-interactions/0/${poison.offset}`;
    const links = async (q: string) => {
      const { hits, missing } = await get<SearchJson>(`/api/v1/search?q=${encodeURIComponent(q)}`);
      assert.deepEqual(missing, []);
      return hits.map(({ kind, link }) => `${kind} ${link}`);
    };
    const finds = (q: string, hit: string) =>
      until(async () => (await links(q)).includes(hit), { what: `${hit} for ${q}`, timeoutMs: 5_000 });
    await finds(event_id, `event /journey/${event_id}`);
    await finds('sought', 'content /state/engagement/sought');
    await finds('bob', `user /state/feed/${encodeURIComponent('posts/bob')}`);
    await publish({ event_type: 'user_registered', user_id: 'rita' });
    await finds('rita', `user /state/analytics/${encodeURIComponent('registered/rita')}`);
    await finds('carol', 'user /topics/content-interactions?text=carol');
    await finds('interactions', 'topic /topics/content-interactions');
    await finds('engagement', `group /consumers/${live.settings.kafkaGroupId}`);
    await finds('feed/posts/bob', `document /state/feed/${encodeURIComponent('posts/bob')}`);
    await finds('spoiled', `dead_letter /failures/letters/${encodeURIComponent(letter)}`);
    await finds('not_json', 'dead_letter /failures/letters?code=NOT_JSON');
    await finds(letter, `dead_letter /failures/letters/${encodeURIComponent(letter)}`);
    assert.deepEqual(await links('no such thing'), []);
    assert.deepEqual(await links('   '), []);
    const { looked } = await get<SearchJson>('/api/v1/search?q=nobody');
    assert.ok(looked!.complete && looked!.records > 5);
    assert.equal((await get<SearchJson>('/api/v1/search?q=bob')).looked, null, 'a projection knows him');
    assert.equal((await get<{ code: string }>('/api/v1/search', 400)).code, 'INVALID_ARGUMENT');
  });
});
