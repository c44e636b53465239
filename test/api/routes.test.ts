import assert from 'node:assert/strict';
import { test } from 'node:test';
import Schema from 'typebox/schema';
import { deadLetterTopic } from '../../src/kit/dlq/dead-letter.ts';
import { KitError } from '../../src/kit/errors.ts';
import { DEMO, openApi, RECONCILIATION } from './support/fake-platform.ts';

type Opened = ReturnType<typeof openApi>;

async function get({ app }: Opened, url: string) {
  const answer = await app.inject({ url });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

async function post({ app }: Opened, url: string, payload?: object) {
  const answer = await app.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

function assertProblem(
  answer: { status: number; body: { code: string; status: number } },
  status: number,
  code: string,
): void {
  assert.deepEqual(
    [answer.status, answer.body.status, answer.body.code],
    [status, status, code],
    JSON.stringify(answer.body),
  );
}

test('GET /api/status has every part', async () => {
  await using api = openApi();
  const { body } = await get(api, '/api/status');
  assert.deepEqual(Object.keys(body), [
    'state',
    'cause',
    'taxonomy',
    'cluster',
    'topics',
    'partition_calculator',
    'producer',
    'consumer',
    'demo',
  ]);
  assert.equal(body.demo, null);
  assert.equal(body.taxonomy.event_types, 10);
  assert.equal(body.cluster.status, 'healthy');
  assert.deepEqual(
    body.topics.map(({ name, partitions }: { name: string; partitions: unknown[] }) => [name, partitions.length]),
    [
      ['user-actions', 12],
      ['content-interactions', 6],
      ['system-events', 3],
    ],
  );
  assert.deepEqual(body.topics[1].partitions[0], { partition: 0, end_offset: 0, lag: 3 });
  assert.equal(body.topics[0].partitions[0].lag, null);
  assert.deepEqual(
    body.partition_calculator.examples.map(({ partitions }: { partitions: number }) => partitions),
    [1500, 30, 3, 1],
  );
  assert.equal(body.producer.messages_sent, 0);
  assert.equal(body.consumer.messages_processed, 94);
  assert.equal('partitions' in body.consumer, false);
});

test('POST /api/run-demo starts one demo at a time', async () => {
  await using api = openApi();
  const started = await post(api, '/api/run-demo');
  assert.equal(started.status, 202);
  assert.deepEqual(started.body, DEMO);
  assert.equal((await get(api, '/api/status')).body.state, 'DEMO_RUNNING');
  assertProblem(await post(api, '/api/run-demo', {}), 409, 'DEMO_RUNNING');
});

test('POST /api/run-demo takes options and refuses unknown ones', async () => {
  await using api = openApi();
  assertProblem(await post(api, '/api/run-demo', { speed: 9 }), 400, 'INVALID_ARGUMENT');
  assertProblem(await post(api, '/api/run-demo', { events: 0 }), 400, 'INVALID_ARGUMENT');
  assertProblem(await post(api, '/api/run-demo', { events: '5' }), 400, 'INVALID_ARGUMENT');
  assertProblem(await post(api, '/api/run-demo', { poison_share: 0.6 }), 400, 'INVALID_ARGUMENT');
  const options = { events: 5, seed: 1, rate_per_second: 0, real: true, poison_share: 0.25 };
  assert.equal((await post(api, '/api/run-demo', options)).status, 202);
  assert.deepEqual(api.platform.demoOptions, { events: 5, seed: 1, real: true, ratePerSecond: 0, poisonShare: 0.25 });
});

test('GET /api/v1/engagement takes any content id, encoded or not', async () => {
  await using api = openApi();
  const last_updated = '2026-05-27T14:00:00.000Z';
  for (const id of [
    'post_991',
    '.gitignore',
    'a/b c{d}',
    'owner/repo',
    '100%',
    'ü?#&',
    '日本',
    'é'.repeat(128),
    '*',
    ':x',
  ]) {
    api.platform.contents.set(id, { likes: 3, last_updated });
    const expected = { content_id: id, likes: 3, shares: 0, comments: 0, views: 0, last_updated };
    assert.deepEqual((await get(api, `/api/v1/engagement/${encodeURIComponent(id)}`)).body, expected);
    assert.deepEqual((await get(api, `/api/v1/engagement?content_id=${encodeURIComponent(id)}`)).body, expected);
  }
  assert.equal((await get(api, '/api/v1/engagement/owner/repo')).body.content_id, 'owner/repo');
  api.platform.contents.set('..', { views: 1 });
  const { body } = await get(api, '/api/v1/engagement?content_id=..');
  assert.deepEqual(body, { content_id: '..', likes: 0, shares: 0, comments: 0, views: 1, last_updated: null });
});

test('GET /api/v1/engagement refuses what it cannot answer', async () => {
  await using api = openApi();
  const missing = await get(api, '/api/v1/engagement/nothing');
  assertProblem(missing, 404, 'UNKNOWN_CONTENT');
  assert.equal(missing.body.content_id, 'nothing');
  assertProblem(await get(api, '/api/v1/engagement'), 400, 'INVALID_ARGUMENT');
  assertProblem(await get(api, '/api/v1/engagement/%E0%A4%A'), 400, 'INVALID_REQUEST');
  assertProblem(await get(api, `/api/v1/topics/${'x'.repeat(2000)}`), 414, 'URI_TOO_LONG');
  assertProblem(await get(api, `/api/v1/engagement/${'x'.repeat(300)}`), 400, 'INVALID_ARGUMENT');
  assertProblem(await get(api, '/api/v1/engagement/x?since=1'), 400, 'INVALID_ARGUMENT');
});

test('?after waits for the projection: 504 when it does not come', async () => {
  await using api = openApi();
  api.platform.contents.set('x', { likes: 1 });
  const url = '/api/v1/engagement/x?after=content-interactions:3:1207';
  assert.equal((await get(api, `${url}&timeout_ms=1000`)).status, 200);
  assert.equal((await get(api, url)).status, 200);
  const late = await get(api, `${url}&timeout_ms=10`);
  assertProblem(late, 504, 'NOT_APPLIED_YET');
  assert.equal(late.body.retriable, true);
  for (const after of ['3:1207', 'content-interactions:x:1', 'content-interactions:1:-1', 'a b:1:1'])
    assertProblem(await get(api, `/api/v1/engagement/x?after=${encodeURIComponent(after)}`), 400, 'INVALID_ARGUMENT');
  assertProblem(await get(api, `${url}&timeout_ms=99999`), 400, 'INVALID_ARGUMENT');
});

test('GET /api/v1/health/kafka and /api/v1/metrics/consumer have their shapes', async () => {
  await using api = openApi();
  const health = (await get(api, '/api/v1/health/kafka')).body;
  const { schema } = (await get(api, '/openapi.json')).body.paths['/api/v1/health/kafka'].get.responses[200].content[
    'application/json'
  ];
  assert.deepEqual(Schema.Errors(schema, health)[1], []);
  const { error, ...always } = schema.properties;
  assert.deepEqual(Object.keys(health), Object.keys(always), 'nothing undocumented');
  assert.deepEqual([health.mode, health.status, health.broker_count], ['embedded', 'healthy', 1]);
  assert.deepEqual([health.controller_epoch, health.brokers[0].role, health.brokers[0].state], [null, null, 'RUNNING']);
  assert.deepEqual(health.topics[0].partitions[0], {
    partition: 0,
    leader: 1,
    replicas: [1],
    isr: [1],
    end_offset: 0,
    start_offset: 0,
    preferred: true,
    offline: false,
    under_min_isr: false,
  });
  const consumer = (await get(api, '/api/v1/metrics/consumer')).body;
  assert.deepEqual(consumer.partitions, [
    { topic: 'content-interactions', partition: 0, position: 17, end_offset: 20, lag: 3, waiting_since: null },
  ]);
  assert.deepEqual([consumer.dlq_depth, consumer.parked, consumer.consumer_running], [5, 1, true]);
});

test('GET /api/v1/reconciliation is shared by those who ask at the same time', async () => {
  await using api = openApi();
  const answers = await Promise.all([1, 2, 3].map(() => get(api, '/api/v1/reconciliation')));
  for (const { body } of answers) assert.deepEqual(body, RECONCILIATION);
  assert.equal(api.platform.reconciliations, 1);
  await get(api, '/api/v1/reconciliation');
  assert.equal(api.platform.reconciliations, 2);
});

test('topics are listed, described, created and planned', async () => {
  await using api = openApi();
  const { topics } = (await get(api, '/api/v1/topics')).body;
  assert.equal(topics.length, 3);
  assert.deepEqual(topics[2].partitions[0], {
    partition: 0,
    leader: 1,
    replicas: [1],
    isr: [1],
    start_offset: 0,
    end_offset: 0,
  });
  assert.equal(topics[2].size_bytes, null);

  const created = await post(api, '/api/v1/topics', {
    name: 'reviews',
    partitions: 2,
    config: { 'retention.ms': '-1' },
  });
  assert.equal(created.status, 201);
  assert.equal(created.headers.location, '/api/v1/topics/reviews');
  assert.equal(created.body.partitions.length, 2);
  assert.equal((await post(api, '/api/v1/topics', { name: 'reviews', partitions: 2 })).status, 200);
  assertProblem(await post(api, '/api/v1/topics', { name: 'reviews', partitions: 3 }), 409, 'TOPIC_MISMATCH');
  assertProblem(await post(api, '/api/v1/topics', { name: 'a b', partitions: 3 }), 400, 'INVALID_ARGUMENT');
  assertProblem(await post(api, '/api/v1/topics'), 400, 'INVALID_ARGUMENT');
  assert.equal((await get(api, '/api/v1/topics/reviews')).body.name, 'reviews');
  assertProblem(await get(api, '/api/v1/topics/unknown'), 404, 'UNKNOWN_TOPIC');

  const plan = await post(api, '/api/v1/topics/plan', { target_rps: 50_000_000 });
  assert.deepEqual(plan.body, { target_rps: 50_000_000, consumer_rps: 50_000, safety: 1.5, partitions: 1500 });
  assertProblem(await post(api, '/api/v1/topics/plan', { target_rps: -1 }), 400, 'INVALID_ARGUMENT');
});

async function publishLikes(
  api: Opened,
  contents: readonly string[],
): Promise<{ partition: number; offset: number }[]> {
  const events = contents.map((content_id) => ({ event_type: 'post_liked', user_id: 'u', content_id }));
  return (await post(api, '/api/v1/events', events)).body.results;
}

test('GET /api/v1/events reads one partition in pages', async () => {
  await using api = openApi();
  const [place] = await publishLikes(api, ['x', 'x', 'x']);
  const url = `/api/v1/events?topic=content-interactions&partition=${place!.partition}`;
  const first = (await get(api, `${url}&max=2`)).body;
  assert.deepEqual([first.records.length, first.next, first.high_watermark], [2, 2, 3]);
  const [record] = first.records;
  assert.deepEqual([record.key, record.key_encoding, record.value, record.encoding], ['x', 'utf-8', '{}', 'utf-8']);
  assert.equal(record.headers.find(({ name }: { name: string }) => name === 'ce_type').value, 'post_liked');
  assert.equal((await get(api, `${url}&offset=2`)).body.records.length, 1);
  assert.deepEqual((await get(api, `${url}&offset=latest`)).body, { records: [], next: 3, high_watermark: 3 });
  assertProblem(await get(api, `${url}&offset=9`), 400, 'OFFSET_OUT_OF_RANGE');
  assertProblem(await get(api, '/api/v1/events?topic=content-interactions&partition=99'), 404, 'UNKNOWN_PARTITION');
  assertProblem(await get(api, '/api/v1/events?topic=none&partition=0'), 404, 'UNKNOWN_TOPIC');
  assertProblem(await get(api, '/api/v1/events'), 400, 'INVALID_ARGUMENT');
  assertProblem(await get(api, `${url}&max=1001`), 400, 'INVALID_ARGUMENT');
});

test('GET /api/v1/events tails all partitions with a cursor and misses nothing', async () => {
  await using api = openApi();
  await publishLikes(
    api,
    [...Array(50).keys()].map((n) => `post_${n}`),
  );
  const seen = new Set<string>();
  let positions = '';
  for (let page = 0; page < 30; page += 1) {
    const { body } = await get(
      api,
      `/api/v1/events?topic=content-interactions&max=7${positions && `&positions=${positions}`}`,
    );
    for (const { partition, offset } of body.records) seen.add(`${partition}:${offset}`);
    positions = body.positions;
  }
  assert.equal(seen.size, 50);
  const later = get(api, `/api/v1/events?topic=content-interactions&positions=${positions}&wait_ms=5000`);
  await publishLikes(api, ['late']);
  assert.deepEqual(
    (await later).body.records.map(({ key }: { key: string }) => key),
    ['late'],
  );
  const atEnd = await get(api, '/api/v1/events?topic=content-interactions&offset=latest');
  assert.deepEqual(atEnd.body.records, []);
  assertProblem(await get(api, '/api/v1/events?topic=content-interactions&offset=3'), 400, 'INVALID_ARGUMENT');
  assertProblem(await get(api, '/api/v1/events?topic=content-interactions&positions=x'), 400, 'INVALID_ARGUMENT');
});

async function deadLetter({ platform }: Opened, offset: number, value: Buffer | null): Promise<void> {
  await platform.deadLetters.capture([
    {
      record: {
        topic: 'content-interactions',
        partition: 0,
        offset,
        key: Buffer.from('k'),
        value,
        headers: [['h', Buffer.from([255])]],
        timestamp: 1,
      },
      group: 'g',
      code: 'NOT_JSON',
      reason: 'the value is not JSON',
      deliveryCount: 1,
      firstFailedAt: Date.UTC(2026, 4, 27),
    },
  ]);
}

test('dead letters are listed, shown and replayed', async () => {
  await using api = openApi();
  assert.deepEqual((await get(api, '/api/v1/dlq')).body, {
    entries: [],
    next: null,
    matching: 0,
    older: 0,
    depth: 0,
  });
  await deadLetter(api, 0, Buffer.from([0xff, 0xfe]));
  await deadLetter(api, 1, null);
  const list = (await get(api, '/api/v1/dlq?topic=content-interactions&code=NOT_JSON&limit=1')).body;
  assert.deepEqual([list.entries.length, list.matching, list.depth], [1, 2, 2]);
  const id = 'g/content-interactions/0/0';
  const shown = (await get(api, `/api/v1/dlq/entry?id=${encodeURIComponent(id)}`)).body;
  assert.equal(shown.first_failed_at, '2026-05-27T00:00:00.000Z');
  assert.deepEqual(shown.original, {
    key: 'k',
    key_encoding: 'utf-8',
    headers: [{ name: 'h', value: '/w==', encoding: 'base64' }],
    value: '//4=',
    encoding: 'base64',
  });
  assertProblem(await get(api, '/api/v1/dlq/entry?id=g/none/0/0'), 404, 'UNKNOWN_DEAD_LETTER');
  assertProblem(await get(api, '/api/v1/dlq/entry'), 400, 'INVALID_ARGUMENT');

  const planned = (await post(api, '/api/v1/dlq/replay', { all: true })).body;
  assert.equal(planned.executed, false);
  assert.deepEqual(
    planned.items.map(({ status }: { status: string }) => status),
    ['planned', 'planned'],
  );
  assert.equal(api.platform.log.records('content-interactions', 0).length, 0);

  const repaired = { value: Buffer.from('{"repaired":1}').toString('base64'), encoding: 'base64' };
  const replayed = (await post(api, '/api/v1/dlq/replay', { ids: [id], execute: true, repaired })).body;
  assert.equal(replayed.items[0].status, 'sent');
  assert.deepEqual(api.platform.log.values('content-interactions', 0), ['{"repaired":1}']);
  assert.equal((await get(api, '/api/v1/dlq')).body.depth, 1);

  assertProblem(await post(api, '/api/v1/dlq/replay', {}), 400, 'INVALID_REPLAY');
  assertProblem(await post(api, '/api/v1/dlq/replay', { all: true, repaired }), 400, 'INVALID_REPLAY');
  assertProblem(
    await post(api, '/api/v1/dlq/replay', { all: true, execute: true, rate_per_second: 0.001 }),
    400,
    'INVALID_REPLAY',
  );
  assertProblem(await post(api, '/api/v1/dlq/replay', { everything: true }), 400, 'INVALID_ARGUMENT');
  assert.equal(api.platform.log.records(deadLetterTopic('content-interactions'), 0).length, 3);
});

test('/livez always answers; /readyz says what is missing', async () => {
  await using api = openApi();
  assert.deepEqual((await get(api, '/livez')).body, { status: 'ok' });
  assert.deepEqual((await get(api, '/readyz')).body, { ready: true, reasons: [] });
  api.platform.reasons = ['the log is down'];
  const { status, body } = await get(api, '/readyz');
  assert.deepEqual([status, body], [503, { ready: false, reasons: ['the log is down'] }]);
});

test('/metrics has the names of kafka_exporter, OpenTelemetry and our own, and serves what can be read', async () => {
  await using api = openApi();
  await publishLikes(api, ['x']);
  await get(api, '/livez');
  const { body, headers } = await api.app.inject('/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  for (const line of [
    'kafka_brokers 1',
    'kafka_topic_partitions{topic="content-interactions"} 6',
    'kafka_consumergroup_lag{consumergroup="streamsocial-engagement",topic="content-interactions",partition="0"} 3',
    'messaging_client_operation_duration_seconds_count{messaging_system="streamsocial",messaging_operation_name="send",messaging_operation_type="send"} 1',
    'messaging_process_duration_seconds_count{',
    'streamsocial_up{part="projections"} 1',
    'streamsocial_runtime_state{state="SYSTEM_STOPPED"} 1',
    'streamsocial_dead_letter_depth 5',
    'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/livez",http_response_status_code="200"} 1',
    'process_resident_memory_bytes ',
    '# TYPE messaging_client_operation_duration_seconds summary',
  ])
    assert(body.includes(line), line);

  await using broken = openApi();
  broken.platform.consumerMetrics = async () => {
    throw new KitError('STORE_UNAVAILABLE', 'down', { retriable: true });
  };
  const partial = (await broken.app.inject('/metrics')).body;
  assert(partial.includes('streamsocial_up{part="projections"} 0'));
  assert(partial.includes('kafka_brokers 1'));
});
