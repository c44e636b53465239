import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import Schema from 'typebox/schema';
import { STATUS_BY_CODE } from '../../src/api/problems.ts';
import { EVENT_TYPES } from '../../src/domains/social/events.ts';
import { openApi } from './support/fake-platform.ts';

type Json = Record<string, unknown>;

/** https://spec.openapis.org/oas/3.1/schema/2026-08-03 (Apache-2.0) */
const META = JSON.parse(readFileSync(new URL('./support/openapi-3.1.schema.json', import.meta.url), 'utf8'));

async function openApiDocument(): Promise<Json & { paths: Record<string, Record<string, Operation>> }> {
  await using api = openApi();
  return (await api.app.inject('/openapi.json')).json();
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, Media> }>;
}

interface Media {
  readonly schema: Json;
  readonly example?: unknown;
  readonly examples?: Record<string, { value: unknown }>;
}

/** Every object inside, with the place where it is. */
function* objectsIn(value: unknown, path = ''): Generator<[path: string, object: Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [key, member] of Object.entries(value)) yield* objectsIn(member, `${path}/${key}`);
}

function resolve(document: Json, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((inside, name) => (inside as Json | undefined)?.[name], document);
}

test('/openapi.json is valid OpenAPI 3.1', async () => {
  const document = await openApiDocument();
  // `Errors`, because `Check` of typebox 1.4.3 refuses valid documents that rest on unevaluatedProperties
  assert.deepEqual(Schema.Errors(META, document), [true, []]);
  assert.equal(Schema.Errors(META, { ...document, paths: { x: {} } })[0], false, 'the check can fail');
  for (const [path, object] of objectsIn(document)) {
    if (typeof object.$ref === 'string')
      assert(resolve(document, object.$ref), `${path} points to nothing: ${object.$ref}`);
    for (const key of Object.keys(object)) assert(!key.startsWith('~'), `${path} has a mark of TypeBox`);
  }
});

test('every schema in /openapi.json is a JSON Schema, and its examples fit it', async () => {
  const document = await openApiDocument();
  const components = document.components as { schemas: Json };
  let examples = 0;
  for (const [path, object] of objectsIn(document)) {
    const schema = object.schema as Json | undefined;
    if (schema === undefined || '$ref' in schema) continue;
    const whole = { ...schema, components };
    assert.equal(typeof Schema.Check(whole, {}), 'boolean');
    const { example, examples: named = {} } = object as unknown as Media;
    for (const value of [
      example,
      ...Object.values(named).map((one) => one.value),
      ...((schema.examples as unknown[]) ?? []),
    ]) {
      if (value === undefined) continue;
      examples += 1;
      assert.deepEqual(Schema.Errors(whole, value)[1], [], `${path}: ${JSON.stringify(value)}`);
    }
  }
  assert(examples >= 5);
});

test('/openapi.json describes every route, its parameters and its problems', async () => {
  const { paths } = await openApiDocument();
  assert.deepEqual(
    Object.entries(paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
      .sort(),
    [
      'DELETE /api/v1/dlq/replays/{id}',
      'DELETE /api/v1/drills/runs/{id}',
      'DELETE /api/v1/groups/{group}',
      'DELETE /api/v1/projections/{name}/rebuild',
      'GET /api/status',
      'GET /api/v1/analytics/active-users',
      'GET /api/v1/analytics/days',
      'GET /api/v1/analytics/funnel',
      'GET /api/v1/analytics/minutes',
      'GET /api/v1/analytics/top',
      'GET /api/v1/cluster',
      'GET /api/v1/dlq',
      'GET /api/v1/dlq/entry',
      'GET /api/v1/dlq/groups',
      'GET /api/v1/dlq/replays',
      'GET /api/v1/dlq/replays/{id}',
      'GET /api/v1/drills',
      'GET /api/v1/drills/reports',
      'GET /api/v1/drills/reports/{id}',
      'GET /api/v1/drills/runs/{id}',
      'GET /api/v1/engagement',
      'GET /api/v1/engagement/{content_id}',
      'GET /api/v1/event-types',
      'GET /api/v1/events',
      'GET /api/v1/groups',
      'GET /api/v1/groups/{group}',
      'GET /api/v1/groups/{group}/history',
      'GET /api/v1/health/kafka',
      'GET /api/v1/journeys',
      'GET /api/v1/journeys/{event_id}',
      'GET /api/v1/journeys/{event_id}/relations',
      'GET /api/v1/log/range',
      'GET /api/v1/metrics/consumer',
      'GET /api/v1/moderation/{content_id}',
      'GET /api/v1/parked',
      'GET /api/v1/projections',
      'GET /api/v1/projections/{name}',
      'GET /api/v1/projections/{name}/changes',
      'GET /api/v1/projections/{name}/changes/progress',
      'GET /api/v1/projections/{name}/keys',
      'GET /api/v1/projections/{name}/kinds',
      'GET /api/v1/projections/{name}/rebuild',
      'GET /api/v1/projections/{name}/state',
      'GET /api/v1/pulse',
      'GET /api/v1/reconciliation',
      'GET /api/v1/search',
      'GET /api/v1/stream',
      'GET /api/v1/topics',
      'GET /api/v1/topics/{name}',
      'GET /api/v1/topics/{name}/keys',
      'GET /api/v1/topics/{name}/partitions/{partition}/records/{offset}',
      'GET /api/v1/topics/{name}/records',
      'GET /api/v1/users/{id}/feed',
      'GET /api/v1/users/{id}/notification-preferences',
      'GET /api/v1/users/{id}/notifications',
      'GET /livez',
      'GET /metrics',
      'GET /readyz',
      'POST /api/run-demo',
      'POST /api/v1/cluster/servers/{name}/{action}',
      'POST /api/v1/dlq/replay',
      'POST /api/v1/dlq/replays',
      'POST /api/v1/dlq/test-poison',
      'POST /api/v1/dlq/validate',
      'POST /api/v1/drills/{name}/runs',
      'POST /api/v1/events',
      'POST /api/v1/events/validate',
      'POST /api/v1/groups/{group}/offsets',
      'POST /api/v1/projections/{name}/rebuild',
      'POST /api/v1/projections/{name}/rebuild/decision',
      'POST /api/v1/topics',
      'POST /api/v1/topics/distribution',
      'POST /api/v1/topics/plan',
      'POST /api/v1/users/{id}/notifications/read',
      'PUT /api/v1/users/{id}/notification-preferences',
    ],
  );
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { summary, parameters = [], responses }] of Object.entries(methods)) {
      const where = `${method} ${path}`;
      assert(summary, where);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      assert.deepEqual(
        parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
        inPath,
        where,
      );
      for (const [status, { description, content }] of Object.entries(responses)) {
        assert.notEqual(description, 'Default Response', where);
        if (Number(status) < 400 || path === '/readyz') continue;
        assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], where);
        for (const code of description.split(', '))
          assert.equal(STATUS_BY_CODE[code] ?? 500, Number(status), `${where} ${code}`);
      }
    }
  }
  const { requestBody } = paths['/api/v1/events']!.post!;
  assert.deepEqual(Object.keys(requestBody!.content), [
    'application/json',
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/x-ndjson',
  ]);
});

test('/asyncapi.json describes the ten events', async () => {
  await using api = openApi();
  const document = (await api.app.inject('/asyncapi.json')).json();
  assert.equal(document.asyncapi, '3.1.0');
  assert.deepEqual(Object.keys(document.components.messages).sort(), [...EVENT_TYPES].sort());
  for (const [path, { $ref: reference }] of objectsIn(document))
    if (typeof reference === 'string') assert(resolve(document, reference), `${path} points to nothing: ${reference}`);
  const { stream } = document.channels;
  assert.equal(stream.address, '/api/v1/stream');
  assert.deepEqual(stream.messages.subscribe.payload.required, ['type', 'id']);
});
