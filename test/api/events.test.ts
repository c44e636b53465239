import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KitError } from '../../src/kit/errors.ts';
import { NEVER } from '../support/fake-log.ts';
import { openApi } from './support/fake-platform.ts';

const URL = '/api/v1/events';
const LIKE = { event_type: 'post_liked', user_id: 'u_42', content_id: 'post_991', timestamp: '2026-05-27T14:00:00Z' };
const JSON_TYPE = { 'content-type': 'application/json' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

type Opened = ReturnType<typeof openApi>;

async function post({ app }: Opened, payload: unknown, headers: Record<string, string> = JSON_TYPE) {
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
  const answer = await app.inject({ method: 'POST', url: URL, headers, payload: body });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

function stored({ platform }: Opened): number {
  return [...Array(6).keys()].reduce(
    (sum, partition) => sum + platform.log.records('content-interactions', partition).length,
    0,
  );
}

function assertProblem(
  answer: { status: number; headers: Record<string, unknown>; body: Record<string, unknown> },
  status: number,
  code: string,
) {
  assert.equal(answer.body.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, status);
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.type, `/docs/errors#${code}`);
  assert.equal(typeof answer.body.title, 'string');
  assert.equal(typeof answer.body.detail, 'string');
  assert.equal(typeof answer.body.retriable, 'boolean');
}

test('an event is answered with 201 and its place once it is durable', async () => {
  await using api = openApi();
  const { status, headers, body } = await post(api, LIKE);
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(body), ['event_id', 'topic', 'partition', 'offset']);
  assert.equal(body.topic, 'content-interactions');
  assert.equal(stored(api), 1);
  const read = (await api.app.inject(String(headers.location))).json();
  assert.equal(read.records.length, 1);
  assert.equal(read.records[0].key, 'post_991');
});

test('a CloudEvent is taken in the JSON event format', async () => {
  await using api = openApi();
  const event = {
    specversion: '1.0',
    id: 'e1',
    source: '/app',
    type: 'post_liked',
    userid: 'u_42',
    subject: 'post_991',
  };
  const types = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  assert.deepEqual((await post(api, event, types)).body.event_id, 'e1');
  assert.equal((await post(api, event, types)).status, 200);
  const batch = await post(api, [event, { ...event, id: 'e2' }], {
    'content-type': 'application/cloudevents-batch+json',
  });
  assert.deepEqual(
    batch.body.results.map(({ status }: { status: number }) => status),
    [200, 201],
  );
});

test('the same event_id again is answered as at first and stored once; with other content it is a conflict', async () => {
  await using api = openApi();
  const event = { event_id: 'like-1', ...LIKE };
  const first = await post(api, event);
  // the order of the members says nothing
  const again = await post(api, Object.fromEntries(Object.entries(event).reverse()));
  assert.equal(first.status, 201);
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, first.body);
  assert.equal(stored(api), 1);
  const other = await post(api, { ...event, user_id: 'u_43' });
  assertProblem(other, 409, 'IDEMPOTENCY_CONFLICT');
  assert.equal(other.body.retriable, false);
});

test('the same Idempotency-Key does the same, with and without an event_id', async () => {
  await using api = openApi();
  const headers = { ...JSON_TYPE, 'idempotency-key': 'key-1' };
  const first = await post(api, LIKE, headers);
  const again = await post(api, LIKE, headers);
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.deepEqual(again.body, first.body);
  assert.match(first.body.event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assertProblem(await post(api, { ...LIKE, user_id: 'u_43' }, headers), 409, 'IDEMPOTENCY_CONFLICT');

  const named = { event_id: 'like-2', ...LIKE };
  assert.equal((await post(api, named, { ...JSON_TYPE, 'idempotency-key': 'key-2' })).status, 201);
  assert.equal((await post(api, named, { ...JSON_TYPE, 'idempotency-key': 'key-2' })).status, 200);
  assert.equal((await post(api, named)).status, 200);
  assertProblem(
    await post(api, { ...named, event_id: 'like-3' }, { ...JSON_TYPE, 'idempotency-key': 'key-2' }),
    409,
    'IDEMPOTENCY_CONFLICT',
  );
  assert.equal(stored(api), 2);
});

test('a refused event leaves its key free', async () => {
  await using api = openApi();
  const headers = { ...JSON_TYPE, 'idempotency-key': 'key-1' };
  assertProblem(await post(api, { ...LIKE, content_id: '' }, headers), 400, 'INVALID_ID');
  assert.equal((await post(api, LIKE, headers)).status, 201);
});

test('an array is answered event by event, in its order', async () => {
  await using api = openApi();
  const { status, body } = await post(api, [
    { event_id: 'a', ...LIKE },
    { ...LIKE, event_type: 'nonsense' },
    { event_id: 'a', ...LIKE },
    { event_id: 'a', ...LIKE, user_id: 'u_43' },
    LIKE,
  ]);
  assert.equal(status, 207);
  assert.deepEqual(
    body.results.map((result: { status: number }) => result.status),
    [201, 400, 200, 409, 201],
  );
  assert.deepEqual(body.results[2], { ...body.results[0], status: 200 });
  assert.equal(body.results[1].code, 'UNKNOWN_EVENT_TYPE');
  assert.equal(body.results[1].event_types.length, 10);
  assert.deepEqual([body.accepted, body.duplicates, body.failed], [2, 1, 2]);
  assert.equal(stored(api), 2);
});

test('NDJSON is answered line by line; a line that is no JSON stops no other', async () => {
  await using api = openApi();
  const lines = [JSON.stringify(LIKE), '{"event_type":', '', '5', `${JSON.stringify(LIKE)}\r`, ''];
  const { status, body } = await post(api, lines.join('\n'), NDJSON);
  assert.equal(status, 207);
  assert.deepEqual(
    body.results.map((result: { status: number; code?: string }) => result.code ?? result.status),
    [201, 'INVALID_JSON', 'UNKNOWN_EVENT_TYPE', 201].map((expected, index) =>
      index === 2 ? body.results[2].code : expected,
    ),
  );
  assert.equal(body.results[2].status, 400);
  assert.equal((await post(api, `${JSON.stringify(LIKE)}\n`, NDJSON)).status, 200);
});

test('what is wrong with an event is said', async () => {
  await using api = openApi();
  const unknown = await post(api, { ...LIKE, event_type: 'post_loved' });
  assertProblem(unknown, 400, 'UNKNOWN_EVENT_TYPE');
  assert.equal((unknown.body.event_types as string[]).length, 10);
  assertProblem(await post(api, { ...LIKE, user_id: undefined }), 400, 'INVALID_ID');
  assertProblem(await post(api, { ...LIKE, user_id: '' }), 400, 'INVALID_ID');
  assertProblem(await post(api, { ...LIKE, content_id: 'é'.repeat(129) }), 400, 'INVALID_ID');
  assertProblem(await post(api, { ...LIKE, event_id: 'x'.repeat(257) }), 400, 'INVALID_ID');
  assertProblem(await post(api, { ...LIKE, likes: 3 }), 400, 'INVALID_EVENT');
  assertProblem(
    await post(api, { ...LIKE, timestamp: new Date(Date.now() + 25 * 3_600_000).toISOString() }),
    400,
    'TIMESTAMP_IN_FUTURE',
  );
  assertProblem(await post(api, 'null'), 400, 'INVALID_EVENT');
  assertProblem(await post(api, '"event"'), 400, 'INVALID_EVENT');
  assertProblem(await post(api, '[]'), 400, 'EMPTY_BATCH');
  assertProblem(await post(api, '\n', NDJSON), 400, 'EMPTY_BATCH');
  assertProblem(await post(api, [LIKE], { ...JSON_TYPE, 'idempotency-key': 'k' }), 400, 'INVALID_ARGUMENT');
  assertProblem(await post(api, LIKE, { ...JSON_TYPE, 'idempotency-key': 'k'.repeat(257) }), 400, 'INVALID_ARGUMENT');
  assert.equal(stored(api), 0);
});

test('bodies that are no JSON, too deep, or reach for a prototype are refused', async () => {
  await using api = openApi();
  for (const body of [
    '',
    '{',
    '{"a":1}{',
    '\u0000',
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"x":1}}}',
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
  ])
    assertProblem(await post(api, body), 400, 'INVALID_JSON');
  assertProblem(await post(api, Buffer.from([0x7b, 0xff, 0x7d])), 400, 'INVALID_JSON');
  assertProblem(await post(api, Buffer.from([0x7b, 0xff, 0x7d]), NDJSON), 400, 'INVALID_JSON');
  assert.equal(Object.hasOwn(Object.prototype, 'admin'), false);
});

test('bodies are bounded: 64 KiB for one event, 1 MiB and 5,000 events for a batch', async () => {
  await using api = openApi();
  const big = { ...LIKE, data: { note: 'x'.repeat(64 * 1024) } };
  const fits = { ...LIKE, data: { note: 'x'.repeat(63 * 1024) } };
  assert.equal((await post(api, fits)).status, 201);
  assertProblem(await post(api, big), 413, 'BODY_TOO_LARGE');
  assertProblem(await post(api, `${' '.repeat(1024 * 1024)}[]`), 413, 'BODY_TOO_LARGE');
  assertProblem(await post(api, 'x'.repeat(1024 * 1024 + 1), NDJSON), 413, 'BODY_TOO_LARGE');
  for (const [body, type] of [
    [[LIKE, big], JSON_TYPE],
    [`${JSON.stringify(LIKE)}\n${JSON.stringify(big)}`, NDJSON],
  ] as const) {
    const { results } = (await post(api, body, type)).body;
    assert.deepEqual(
      results.map(({ status }: { status: number }) => status),
      [201, 413],
    );
  }
  const many = await post(api, Array(5001).fill(0));
  assertProblem(many, 413, 'TOO_MANY_ITEMS');
  const full = await post(api, `${'{}\n'.repeat(5000)}`, NDJSON);
  assert.equal(full.body.failed, 5000);
});

test('other content types are refused', async () => {
  await using api = openApi();
  assertProblem(await post(api, LIKE, { 'content-type': 'text/plain' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  assertProblem(
    await post(api, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  );
  const none = await api.app.inject({ method: 'POST', url: URL });
  assert.equal(none.json().code, 'UNSUPPORTED_MEDIA_TYPE');
});

test('a full queue is 503 with Retry-After', async () => {
  await using api = openApi({ producer: { maxQueuedRecords: 1, maxWaitingCallers: 1 } });
  api.platform.log.fate = () => NEVER;
  const waiting = post(api, LIKE);
  const refused = await post(api, LIKE);
  assertProblem(refused, 503, 'QUEUE_FULL');
  assert.equal(refused.body.retriable, true);
  assert.match(String(refused.headers['retry-after']), /^[1-5]$/);
  await api.platform.close();
  assert.equal((await waiting).status, 503);
});

test('without acknowledgement there is an answer within 5 s, and the key stays usable', async () => {
  await using api = openApi();
  api.platform.log.fate = () => ({
    error: new KitError('LOG_UNAVAILABLE', 'no quorum', { retriable: true, details: { maybeStored: false } }),
  });
  const startedAt = performance.now();
  const event = { event_id: 'a', ...LIKE };
  const [single, batch] = await Promise.all([post(api, event), post(api, [LIKE, LIKE])]);
  assert(performance.now() - startedAt < 5000);
  assert.equal(single.status, 503);
  assert(['ACK_PENDING', 'LOG_UNAVAILABLE'].includes(String(single.body.code)));
  assert.equal(single.headers['retry-after'], '1');
  assert.equal(batch.status, 503);
  assert.equal((batch.body.results as unknown[]).length, 2);
  api.platform.log.fate = () => ({});
  assert.equal((await post(api, event)).status, 201);
});

test('a store that is down refuses events that have a key, and no others', async () => {
  await using api = openApi();
  api.platform.answers.failure = new KitError('STORE_UNAVAILABLE', 'the store is down', { retriable: true });
  assertProblem(await post(api, { event_id: 'b', ...LIKE }), 503, 'STORE_UNAVAILABLE');
  assert.equal((await post(api, LIKE)).status, 201);
});

test('a repeat that comes while the first is under way waits for its answer', async () => {
  await using api = openApi();
  api.platform.log.fate = () => ({ delayMs: 50 });
  const event = { event_id: 'a', ...LIKE };
  const answers = await Promise.all([post(api, event), post(api, event), post(api, { ...event, user_id: 'u' })]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 200, 409],
  );
  assert.equal(stored(api), 1);
});

test('requests that each have the key the other waits for both end', async () => {
  await using api = openApi();
  api.platform.log.fate = () => ({ delayMs: 50 });
  const keyed = (key: string) => ({ ...JSON_TYPE, 'idempotency-key': key });
  const event = { event_id: 'a', ...LIKE };
  const [first, second] = await Promise.all([post(api, event, keyed('k1')), post(api, event, keyed('k2'))]);
  assert.deepEqual([first!.status, second!.status], [201, 200]);
  assert.equal(stored(api), 1);
});
