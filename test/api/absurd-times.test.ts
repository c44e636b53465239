/** Clients stamp records as they like, some in nanoseconds: a time that no calendar has stops nobody and breaks no page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JourneyAnswer } from '../../src/api/journeys.ts';
import type { LogRangeJson } from '../../src/api/log-range.ts';
import { isQuiet, logEnds } from '../../src/pipelines/quiet.ts';
import { platformForTests } from '../support/live-platform.ts';
import { until } from '../support/until.ts';

const TOPIC = 'content-interactions';
/** Beyond what `Date` has, as nanoseconds since the epoch are. */
const BEYOND = 8_800_000_000_000_000;

test('an event without a time, in a record whose time no calendar has, is a dead letter, and the rest goes on', async (t) => {
  const { url, platform } = await platformForTests(t, { pages: false });
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path);
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return JSON.parse(text) as T;
  };
  const event = { event_type: 'post_liked', user_id: 'u', content_id: 'p', data: {} };
  const timed = { ...event, event_id: 'timed', timestamp: '2026-05-27T14:00:00Z' };
  for (const content of [event, timed])
    await platform.log.append({
      topic: TOPIC,
      partition: 0,
      records: [{ key: Buffer.from('p'), value: Buffer.from(JSON.stringify(content)), headers: [], timestamp: BEYOND }],
    });
  await until(async () => isQuiet(platform.projections, await logEnds(platform.log)), {
    timeoutMs: 10_000,
    what: 'every handler at the end',
  });
  const { entries } = await platform.deadLetters.list();
  assert.deepEqual(
    entries.map(({ code, offset }) => [code, offset]),
    [['SCHEMA_MISMATCH', 0]],
  );
  assert.equal((await platform.reconcile()).balanced, true);
  for (const offset of [0, 1]) {
    const { records } = await get<JourneyAnswer>(`/api/v1/journeys?position=${TOPIC}:0:${offset}`);
    assert.equal(records[0]!.at, '9999-12-31T23:59:59.999Z', 'the last that a calendar has');
  }
  await get('/api/v1/journeys/timed/relations');
  await get(`/api/v1/topics/${TOPIC}/records`);
  await get('/api/v1/dlq');
  const { records } = await get<LogRangeJson>('/api/v1/log/range');
  assert.ok(records >= 2);
});
