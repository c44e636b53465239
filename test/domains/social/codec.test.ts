import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { socialEventCodec as codec } from '../../../src/domains/social/codec.ts';
import { EVENT_TYPES, type EventType, type SocialEvent } from '../../../src/domains/social/events.ts';
import { isKitError, type KitError } from '../../../src/kit/errors.ts';
import type { Header, LogRecord } from '../../../src/kit/log/event-log.ts';
import type { FieldError } from '../../../src/kit/schemas/contract.ts';
import type { Outgoing } from '../../../src/kit/schemas/event-codec.ts';
import { socialEvent, WITHOUT_CONTENT } from './arbitraries.ts';

const NOW = Date.parse('2026-05-27T14:00:00Z');
const STAMP = { now: NOW, newId: () => 'new-id' };
const LIKE = { event_type: 'post_liked', user_id: 'u_42', content_id: 'post_991', timestamp: '2026-05-27T14:00:00Z' };
const CLOUD_LIKE = {
  specversion: '1.0',
  id: 'e1',
  source: '/app',
  type: 'post_liked',
  time: '2026-05-27T14:00:00Z',
  subject: 'post_991',
  userid: 'u_42',
};
const REQUIRED_DATA: Partial<Record<EventType, object>> = {
  follow_initiated: { target_user_id: 'u_2' },
  content_moderated: { action: 'hidden' },
};

function minimal(type: EventType): Record<string, unknown> {
  const data = REQUIRED_DATA[type];
  return {
    event_type: type,
    user_id: 'u_1',
    ...(WITHOUT_CONTENT.includes(type) ? {} : { content_id: 'c_1' }),
    ...(data === undefined ? {} : { data }),
  };
}

function refusal(input: unknown): KitError {
  try {
    codec.accept(input, STAMP);
  } catch (error) {
    assert.ok(isKitError(error), String(error));
    assert.equal(error.retriable, false);
    return error;
  }
  assert.fail('was accepted');
}

function errorsOf(error: KitError): string[] {
  return (error.details.errors as FieldError[]).map(({ path, message }) => `${path} ${message}`);
}

function record(parts: Partial<LogRecord>): LogRecord {
  const like = Buffer.from(JSON.stringify(LIKE));
  const place = { topic: 'content-interactions', partition: 3, offset: 42 };
  return { ...place, key: Buffer.from('post_991'), value: like, headers: [], timestamp: NOW, ...parts };
}

/** As it comes back from a log: other buffers, other strings. */
function stored({ topic, key, value, headers }: Outgoing): LogRecord {
  const copy = headers.map(([name, bytes]): Header => [Buffer.from(name).toString(), bytes && Buffer.from(bytes)]);
  return {
    topic,
    key: Buffer.from(key),
    value: Buffer.from(value),
    headers: copy,
    partition: 0,
    offset: 0,
    timestamp: NOW,
  };
}

function decoded(parts: Partial<LogRecord>): SocialEvent {
  const result = codec.decode(record(parts));
  assert.ok(result.ok, JSON.stringify(result));
  return result.event;
}

function poisonCode(parts: Partial<LogRecord>): string {
  const result = codec.decode(record(parts));
  assert.ok(!result.ok, 'was readable');
  assert.notEqual(result.reason, '');
  return result.code;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const headersOf = (outgoing: Outgoing): Record<string, string> =>
  Object.fromEntries(outgoing.headers.map(([name, value]) => [name, String(value)]));

describe('accept, plain form', () => {
  it('fills in what was left out', () => {
    const { timestamp, ...rest } = LIKE;
    assert.deepEqual(codec.accept(rest, STAMP), {
      ...rest,
      event_id: 'new-id',
      timestamp: '2026-05-27T14:00:00.000Z',
      data: {},
      metadata: { source: '/streamsocial', schema_version: '1' },
    });
  });

  it('keeps what was given: id, time as written, unknown data, metadata', () => {
    const input = {
      ...LIKE,
      event_id: 'mine',
      timestamp: '2026-05-27T16:00:00.5+02:00',
      data: { later: [1, { x: null }] },
      metadata: { correlation_id: 'c' },
    };
    const event = codec.accept(input, STAMP);
    assert.deepEqual(event, {
      ...input,
      metadata: { source: '/streamsocial', schema_version: '1', correlation_id: 'c' },
    });
    assert.equal(codec.idOf(event), 'mine');
  });

  it('does not change its input', () => {
    const input = Object.freeze({ ...LIKE, metadata: Object.freeze({}) });
    codec.accept(input, STAMP);
    assert.deepEqual(input, { ...LIKE, metadata: {} });
  });

  for (const type of EVENT_TYPES) {
    it(`${type}: content_id is ${WITHOUT_CONTENT.includes(type) ? 'refused' : 'required'}`, () => {
      const input = minimal(type);
      codec.accept(input, STAMP);
      if (WITHOUT_CONTENT.includes(type)) {
        const error = refusal({ ...input, content_id: 'c_1' });
        assert.equal(error.code, 'INVALID_EVENT');
        assert.deepEqual(errorsOf(error), [`/content_id is not taken by ${type}`]);
      } else {
        const { content_id, ...without } = input;
        const error = refusal(without);
        assert.equal(error.code, 'INVALID_ID');
        assert.deepEqual(errorsOf(error), ['/content_id is required']);
      }
    });
    it(`${type}: unknown fields are kept inside data, refused beside it`, () => {
      const data = { ...REQUIRED_DATA[type], novelty: 1 };
      assert.deepEqual(codec.accept({ ...minimal(type), data }, STAMP).data, data);
      const error = refusal({ ...minimal(type), novelty: 1 });
      assert.equal(error.code, 'INVALID_EVENT');
      assert.deepEqual(errorsOf(error), ['/novelty is not a known field']);
    });
    it(`${type}: data that is required is required`, () => {
      const [field] = Object.keys(REQUIRED_DATA[type] ?? {});
      const { data, ...without } = minimal(type);
      if (field === undefined) codec.accept(without, STAMP);
      else assert.deepEqual(errorsOf(refusal(without)), [`/data/${field} is required`]);
    });
  }

  const refused: [name: string, input: unknown, code: string, errors: string[]][] = [
    ['an array', [], 'INVALID_EVENT', [' must be a JSON object']],
    ['null', null, 'INVALID_EVENT', [' must be a JSON object']],
    ['no user', { ...LIKE, user_id: undefined }, 'INVALID_ID', ['/user_id must be string']],
    ['an empty user', { ...LIKE, user_id: '' }, 'INVALID_ID', ['/user_id must not be empty']],
    ['a null content', { ...LIKE, content_id: null }, 'INVALID_ID', ['/content_id must be string']],
    [
      'a long id',
      { ...LIKE, event_id: 'a'.repeat(257) },
      'INVALID_ID',
      ['/event_id must not have more than 256 characters'],
    ],
    [
      'an id of 257 bytes',
      { ...LIKE, user_id: `é${'a'.repeat(255)}` },
      'INVALID_ID',
      ['/user_id must be 1 to 256 bytes of UTF-8 without control characters'],
    ],
    [
      'a control character',
      { ...LIKE, content_id: 'a\nb' },
      'INVALID_ID',
      ['/content_id must be 1 to 256 bytes of UTF-8 without control characters'],
    ],
    [
      'a bad id and a bad time',
      { ...LIKE, user_id: '', timestamp: 'now' },
      'INVALID_EVENT',
      [
        '/user_id must not be empty',
        '/timestamp must be an RFC 3339 date-time with an offset, e.g. 2026-05-27T14:00:00Z',
      ],
    ],
    ['data that is no object', { ...LIKE, data: [] }, 'INVALID_EVENT', ['/data must be object']],
    [
      'data of the wrong type',
      { ...minimal('comment_added'), data: { length: -1 } },
      'INVALID_EVENT',
      ['/data/length must be >= 0'],
    ],
    [
      'an unknown action',
      { ...minimal('content_moderated'), data: { action: 'x' } },
      'INVALID_EVENT',
      ['/data/action must be one of hidden, removed, restored'],
    ],
    [
      'unknown metadata',
      { ...LIKE, metadata: { colour: 'red' } },
      'INVALID_EVENT',
      ['/metadata/colour is not a known field'],
    ],
    [
      '__proto__ beside data',
      JSON.parse(`{"__proto__":{},${JSON.stringify(LIKE).slice(1)}`),
      'INVALID_EVENT',
      ['/__proto__ is not a known field'],
    ],
  ];
  for (const [name, input, code, errors] of refused) {
    it(`refuses ${name}`, () => {
      const error = refusal(input);
      assert.deepEqual([error.code, errorsOf(error)], [code, errors]);
    });
  }

  for (const type of ['post_disliked', '', undefined, 5, { toString: 1 }, '__proto__', 'constructor']) {
    it(`refuses the type ${JSON.stringify(type)} and lists the ten`, () => {
      const error = refusal({ ...LIKE, event_type: type });
      assert.equal(error.code, 'UNKNOWN_EVENT_TYPE');
      assert.deepEqual(error.details.event_types, EVENT_TYPES);
    });
  }

  it('refuses data that is nested too deeply, without running out of stack', () => {
    const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    codec.encode(codec.accept({ ...LIKE, data: nested(32) }, STAMP));
    assert.equal(refusal({ ...LIKE, data: nested(33) }).code, 'INVALID_EVENT');
    assert.equal(refusal({ ...LIKE, data: nested(9_000) }).code, 'INVALID_EVENT');
  });

  it('takes a time up to 24 h ahead', () => {
    codec.accept({ ...LIKE, timestamp: '2026-05-28T14:00:00.000Z' }, STAMP);
    codec.accept({ ...LIKE, timestamp: '2026-05-28T16:00:00+02:00' }, STAMP);
    const error = refusal({ ...LIKE, timestamp: '2026-05-28T14:00:00.001Z' });
    assert.equal(error.code, 'TIMESTAMP_IN_FUTURE');
    assert.equal(error.details.limit, '2026-05-28T14:00:00.000Z');
  });
});

describe('accept, CloudEvents JSON', () => {
  it('is the plain form under other names', () => {
    const input = {
      ...CLOUD_LIKE,
      contentid: 'post_991',
      correlationid: 'c',
      dataschema: 'urn:streamsocial:schema:post_liked:2',
    };
    assert.deepEqual(codec.accept({ ...input, data: { a: 1 } }, STAMP), {
      ...LIKE,
      event_id: 'e1',
      data: { a: 1 },
      metadata: { source: '/app', schema_version: '2', correlation_id: 'c' },
    });
  });

  it('takes the ids from the subject where the extension is missing', () => {
    assert.equal((codec.accept(CLOUD_LIKE, STAMP) as { content_id?: string }).content_id, 'post_991');
    const { userid, ...expired } = { ...CLOUD_LIKE, type: 'session_expired', subject: 'u_7' };
    assert.equal(codec.accept(expired, STAMP).user_id, 'u_7');
  });

  const refused: [name: string, input: Record<string, unknown>, code: string, errors: string[]][] = [
    ['another version', { ...CLOUD_LIKE, specversion: '0.3' }, 'INVALID_EVENT', ['/specversion must be 1.0']],
    ['no id', { ...CLOUD_LIKE, id: undefined }, 'INVALID_EVENT', ['/id is required']],
    [
      'a bad user, by its name here',
      { ...CLOUD_LIKE, userid: 'a\0' },
      'INVALID_ID',
      ['/userid must be 1 to 256 bytes of UTF-8 without control characters'],
    ],
    [
      'a bad time, by its name here',
      { ...CLOUD_LIKE, time: 'x' },
      'INVALID_EVENT',
      ['/time must be an RFC 3339 date-time with an offset, e.g. 2026-05-27T14:00:00Z'],
    ],
    [
      'a subject of something else',
      { ...CLOUD_LIKE, contentid: 'other' },
      'INVALID_EVENT',
      ['/subject must equal contentid'],
    ],
    ['an unknown attribute', { ...CLOUD_LIKE, colour: 'red' }, 'INVALID_EVENT', ['/colour is not a known field']],
    [
      'binary data',
      { ...CLOUD_LIKE, data_base64: 'AA==' },
      'INVALID_EVENT',
      ['/data_base64 is not supported: data has to be JSON'],
    ],
  ];
  for (const [name, input, code, errors] of refused) {
    it(`refuses ${name}`, () => {
      const error = refusal(input);
      assert.deepEqual([error.code, errorsOf(error)], [code, errors]);
    });
  }
  it('refuses an unknown type', () => assert.equal(refusal({ ...CLOUD_LIKE, type: 'x' }).code, 'UNKNOWN_EVENT_TYPE'));
});

describe('encode', () => {
  it('writes CloudEvents binary mode', () => {
    const metadata = { correlation_id: 'ü 1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const event = codec.accept(
      { ...minimal('content_moderated'), event_id: 'e', timestamp: LIKE.timestamp, metadata },
      STAMP,
    );
    const outgoing = codec.encode(event);
    assert.equal(outgoing.topic, 'system-events');
    assert.equal(outgoing.key, 'c_1');
    assert.equal(String(outgoing.value), '{"action":"hidden"}');
    assert.deepEqual(headersOf(outgoing), {
      ce_specversion: '1.0',
      ce_id: 'e',
      ce_source: '/streamsocial',
      ce_type: 'content_moderated',
      ce_time: LIKE.timestamp,
      ce_subject: 'c_1',
      ce_dataschema: 'urn:streamsocial:schema:content_moderated:1',
      ce_userid: 'u_1',
      ce_contentid: 'c_1',
      ce_correlationid: 'ü 1',
      'content-type': 'application/json',
      traceparent: metadata.traceparent,
    });
  });

  const placed: [type: EventType, topic: string, key: string][] = [
    ['user_registered', 'user-actions', 'u_1'],
    ['post_created', 'user-actions', 'u_1'],
    ['profile_updated', 'user-actions', 'u_1'],
    ['follow_initiated', 'user-actions', 'u_1'],
    ['comment_added', 'content-interactions', 'c_1'],
    ['post_liked', 'content-interactions', 'c_1'],
    ['content_shared', 'content-interactions', 'c_1'],
    ['story_viewed', 'content-interactions', 'c_1'],
    ['content_moderated', 'system-events', 'c_1'],
    ['session_expired', 'system-events', 'u_1'],
  ];
  for (const [type, topic, key] of placed) {
    it(`${type} goes to ${topic} under ${key}`, () => {
      const outgoing = codec.encode(codec.accept(minimal(type), STAMP));
      assert.deepEqual([outgoing.topic, outgoing.key], [topic, key]);
    });
  }
});

describe('decode', () => {
  it('gives back what was encoded, for any valid event', () => {
    fc.assert(
      fc.property(socialEvent, (event) => {
        assert.deepEqual(codec.decode(stored(codec.encode(event))), { ok: true, event, id: event.event_id });
      }),
      { numRuns: 1_000 },
    );
  });

  it('accepting an event again changes nothing', () => {
    fc.assert(fc.property(socialEvent, (event) => assert.deepEqual(codec.accept(event, STAMP), event)));
  });

  it('reads a plain JSON event, named by its place in the log', () => {
    assert.deepEqual(decoded({}), {
      ...LIKE,
      event_id: 'content-interactions/3/42',
      data: {},
      metadata: { source: '/streamsocial', schema_version: '1' },
    });
  });

  it('gives a plain event without a time the time of its record', () => {
    const { timestamp, ...rest } = LIKE;
    assert.equal(decoded({ value: json(rest) }).timestamp, '2026-05-27T14:00:00.000Z');
    assert.equal(decoded({ value: json(rest), timestamp: -1 }).timestamp, '1970-01-01T00:00:00.000Z');
  });

  it('reads structured mode, told by its content type or by specversion', () => {
    const value = json({ ...CLOUD_LIKE, extension: 'of another program' });
    const headers: Header[] = [['content-type', Buffer.from('application/cloudevents+json; charset=UTF-8')]];
    assert.equal(decoded({ value, headers }).event_id, 'e1');
    assert.equal(decoded({ value }).event_id, 'e1');
    assert.equal(poisonCode({ headers }), 'SCHEMA_MISMATCH');
  });

  it('passes over headers it does not know, and an invalid traceparent', () => {
    const outgoing = codec.encode(codec.accept(LIKE, STAMP));
    const headers = [
      ...outgoing.headers,
      ['ce_other', Buffer.from('x')],
      ['traceparent', Buffer.from('?')],
    ] as Header[];
    assert.deepEqual(decoded({ value: outgoing.value, headers }), codec.accept(LIKE, STAMP));
  });

  it('reads records of the derived topics', () => {
    for (const topic of ['content-interactions.dlq', 'content-interactions.retry']) assert.ok(decoded({ topic }));
  });

  const binary = codec.encode(codec.accept(LIKE, STAMP)).headers;
  const without = (name: string): Header[] => binary.filter(([header]) => header !== name) as Header[];
  const poisons: [name: string, parts: Partial<LogRecord>, code: string][] = [
    ['a null value', { value: null }, 'NULL_VALUE'],
    ['an empty value', { value: Buffer.alloc(0) }, 'NOT_JSON'],
    ['a value that is not JSON', { value: Buffer.from('{"a":') }, 'NOT_JSON'],
    ['a value that is not UTF-8', { value: Buffer.from([0x22, 0xff, 0x22]) }, 'NOT_JSON'],
    ['JSON that is no object', { value: json([LIKE]) }, 'SCHEMA_MISMATCH'],
    ['an unknown field', { value: json({ ...LIKE, likes: 1 }) }, 'SCHEMA_MISMATCH'],
    ['a missing user', { value: json({ ...LIKE, user_id: undefined }) }, 'SCHEMA_MISMATCH'],
    ['an unknown type', { value: json({ ...LIKE, event_type: 'post_disliked' }) }, 'UNKNOWN_EVENT_TYPE'],
    ['no type', { value: json({}) }, 'UNKNOWN_EVENT_TYPE'],
    ['no key', { key: null }, 'MISSING_KEY'],
    ['an empty key', { key: Buffer.alloc(0) }, 'MISSING_KEY'],
    ['the key of another', { key: Buffer.from('post_1') }, 'KEY_MISMATCH'],
    ['another topic', { topic: 'user-actions' }, 'WRONG_TOPIC'],
    ['binary mode without an id', { value: json({}), headers: without('ce_id') }, 'SCHEMA_MISMATCH'],
    ['binary mode without a user', { value: json({}), headers: without('ce_userid') }, 'SCHEMA_MISMATCH'],
    [
      'binary mode with a bad version',
      { value: json({}), headers: [...binary, ['ce_specversion', Buffer.from('2')]] },
      'SCHEMA_MISMATCH',
    ],
    [
      'binary mode with an unknown type',
      { value: json({}), headers: [...binary, ['ce_type', Buffer.from('x')]] },
      'UNKNOWN_EVENT_TYPE',
    ],
    ['binary mode with data that is no object', { value: json(5), headers: [...binary] }, 'SCHEMA_MISMATCH'],
    ['900 KB of something', { value: Buffer.alloc(900_000, 'x') }, 'NOT_JSON'],
    ['brackets without end', { value: Buffer.alloc(900_000, '[') }, 'NOT_JSON'],
  ];
  for (const [name, parts, code] of poisons) it(`${name}: ${code}`, () => assert.equal(poisonCode(parts), code));

  it('never throws, whatever the bytes', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)));
    const name = fc.constantFrom(
      'ce_id',
      'ce_type',
      'ce_source',
      'ce_specversion',
      'ce_time',
      'content-type',
      '__proto__',
      'ce___proto__',
    );
    const header = fc.tuple(name, bytes) as fc.Arbitrary<Header>;
    const value = fc.oneof(bytes, fc.jsonValue().map(json));
    fc.assert(
      fc.property(fc.record({ key: bytes, value, headers: fc.array(header) }), (parts) => {
        const result = codec.decode(record(parts));
        if (!result.ok) assert.match(result.code, /^[A-Z_]+$/);
      }),
    );
  });
});
