import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldsOf, parseEvent, readField, writeField } from '../../src/dashboard/views/topics/event-form.ts';
import {
  distributionBody,
  PLAN_DEFAULTS,
  planAddress,
  planMistakes,
  readPlanQuery,
} from '../../src/dashboard/views/topics/plan-query.ts';
import { configMeaning, derivedFrom, retentionText, sourceText } from '../../src/dashboard/views/topics/topic-words.ts';
import { eventInputSchema } from '../../src/domains/social/json-schemas.ts';

describe("an event's form", () => {
  test('has the fields of its schema, the needed ones marked', () => {
    const of = (type: 'comment_added' | 'follow_initiated' | 'content_moderated') =>
      fieldsOf(eventInputSchema(type)).map(({ path, kind, required }) => `${path} ${kind}${required ? ' *' : ''}`);
    assert.deepEqual(of('comment_added'), [
      '/user_id text *',
      '/content_id text *',
      '/data/comment_id text',
      '/data/text text',
      '/data/length number',
      '/event_id text',
      '/timestamp text',
    ]);
    assert.deepEqual(of('follow_initiated').slice(0, 2), ['/user_id text *', '/data/target_user_id text *']);
    assert(of('content_moderated').includes('/data/action choice *'));
  });

  const [length] = fieldsOf(eventInputSchema('comment_added')).filter(({ path }) => path === '/data/length');
  const [tags] = fieldsOf(eventInputSchema('post_created')).filter(({ path }) => path === '/data/tags');

  test('reads and writes each field without touching the others', () => {
    const event = { user_id: 'u', extra: true, data: { length: 3, more: [1] } };
    assert.equal(readField(event, length!), '3');
    assert.deepEqual(writeField(event, length!, '12'), { ...event, data: { length: 12, more: [1] } });
    assert.deepEqual(writeField(event, length!, 'many'), { ...event, data: { length: 'many', more: [1] } });
    assert.deepEqual(writeField(event, length!, ''), { ...event, data: { more: [1] } });
    assert.deepEqual(writeField('no object', tags!, 'a, b ,'), { data: { tags: ['a', 'b'] } });
    assert.equal(readField({ data: { tags: ['a', 'b'] } }, tags!), 'a, b');
    assert.equal(readField({ data: null }, tags!), '');
  });

  test('says why a text is no JSON', () => {
    assert.deepEqual(parseEvent('{"a":1}'), { ok: true, event: { a: 1 } });
    const wrong = parseEvent('{"a":');
    assert(!wrong.ok);
    assert.match(wrong.message, /^This is not JSON: /);
  });
});

describe('words about topics', () => {
  test('say how long records are kept', () => {
    const kept = (policy: string, ms: number | null, bytes: number | null) => retentionText({ policy, ms, bytes });
    assert.equal(retentionText(null), null);
    assert.equal(kept('delete', null, null), 'for ever');
    assert.equal(kept('delete', 7 * 86_400_000, 2 ** 30), '7 d or 1.0 GiB a partition');
    assert.equal(kept('compact', 1_000, null), 'newest of each key');
    assert.equal(kept('compact,delete', 3_600_000, null), 'newest of each key, 1 h');
  });

  test('tell derived topics, sources and what numbers mean', () => {
    assert.deepEqual(derivedFrom('a.b.dlq'), { topic: 'a.b', what: 'dead letters' });
    assert.deepEqual([derivedFrom('user-actions'), derivedFrom('.dlq')], [null, null]);
    assert.deepEqual([sourceText('DEFAULT_CONFIG'), sourceText('GROUP_CONFIG')], ['default', 'group config']);
    assert.equal(configMeaning('retention.ms', '604800000'), '7 d');
    assert.equal(configMeaning('retention.bytes', '-1'), 'no limit');
    assert.equal(configMeaning('segment.bytes', '1073741824'), '1.0 GiB');
    assert.equal(configMeaning('cleanup.policy', 'delete'), null);
    assert.equal(configMeaning('follower.replication.throttled.replicas', ''), null);
  });
});

describe('the planner', () => {
  const read = (query: string) => readPlanQuery((name) => new URLSearchParams(query).get(name) ?? '');

  test('has an address without its defaults', () => {
    assert.deepEqual(read(''), PLAN_DEFAULTS);
    const plan = { ...PLAN_DEFAULTS, targetRps: '50000000', source: 'user-actions' };
    const address = Object.entries(planAddress(plan)).filter(([, value]) => value !== '');
    assert.deepEqual(address, [
      ['target_rps', '50000000'],
      ['source', 'user-actions'],
    ]);
    assert.deepEqual(read(new URLSearchParams(address).toString()), plan);
  });

  test('says what is out of bounds, and asks for one source of keys', () => {
    assert.deepEqual(planMistakes(PLAN_DEFAULTS), {});
    assert.deepEqual(Object.keys(planMistakes({ ...PLAN_DEFAULTS, keys: '1.5', skew: 'x', safety: '' })).sort(), [
      'keys',
      'safety',
      'skew',
    ]);
    assert.deepEqual(distributionBody({ ...PLAN_DEFAULTS, source: 't' }, [3]), { partitions: [3], topic: 't' });
    assert.deepEqual(distributionBody(PLAN_DEFAULTS, [3]), {
      partitions: [3],
      traffic: { keys: 10_000, records: 100_000, skew: 1 },
    });
  });
});
