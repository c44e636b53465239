import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, hexDump, looksLikeJson, prettyJson } from '../../src/dashboard/value-text.ts';
import {
  addressOf,
  fromLocalField,
  mistakesIn,
  pathOf,
  readBrowseQuery,
  toLocalField,
} from '../../src/dashboard/views/topics/browse-query.ts';
import { recordJson } from '../../src/dashboard/views/topics/record-columns.ts';
import { type AnyRecord, parseRecordId, rowOf, utf8Length } from '../../src/dashboard/views/topics/record-row.ts';
import { MAX_ROWS, TailBuffer } from '../../src/dashboard/views/topics/tail-buffer.ts';

function record(values: Partial<AnyRecord> = {}): AnyRecord {
  return {
    topic: 'content-interactions',
    partition: 3,
    offset: 1_207,
    timestamp: 1_800_000_000_000,
    key: 'post_1',
    key_encoding: 'utf-8',
    headers: [],
    value: '{}',
    encoding: 'utf-8',
    ...values,
  };
}

const text = (name: string, value: string) => ({ name, value, encoding: 'utf-8' as const });

describe('a record as a line', () => {
  test('has its event type and id from the headers, the last of several', () => {
    const headers = [text('ce_type', 'old'), text('ce_type', 'post_liked'), text('ce_id', 'e1')];
    const { id, type, eventId, key, bytes } = rowOf(record({ headers }));
    assert.deepEqual([id, type, eventId, key, bytes], ['3:1207', 'post_liked', 'e1', 'post_1', 2]);
  });

  test('has them from what the server made of it, where it did', () => {
    const event = { mode: 'plain' as const, attributes: { type: 'story_viewed', id: 'e2' } };
    const why = { code: 'NOT_JSON', reason: 'the value is not JSON' };
    const row = rowOf(record({ event, unreadable_because: why, value_bytes: 70_000 }));
    assert.deepEqual([row.type, row.eventId, row.unreadable, row.bytes], ['story_viewed', 'e2', why.reason, 70_000]);
  });

  test('has no type where it is no event, and says what is no text', () => {
    const row = rowOf(record({ value: '/wD+', encoding: 'base64', key: 'AAE=', key_encoding: 'base64' }));
    assert.deepEqual([row.type, row.preview, row.key, row.bytes], [null, 'binary /wD+', 'base64 AAE=', 3]);
    assert.deepEqual([rowOf(record({ value: null })).preview, rowOf(record({ value: null })).bytes], ['null', null]);
  });

  test('is exported with the names and times of the API', () => {
    const { published_at, event_id, value_bytes } = recordJson(rowOf(record({ headers: [text('ce_id', 'e1')] })));
    assert.deepEqual([published_at, event_id, value_bytes], ['2027-01-15T08:00:00.000Z', 'e1', 2]);
  });

  test('is short, whatever the value', () => {
    const row = rowOf(record({ value: `{"a":"${'x\n '.repeat(100_000)}"}` }));
    assert(row.preview.length <= 240);
    assert(!row.preview.includes('\n'));
  });

  test('counts bytes as UTF-8 has them', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '中', '😀', '\ud83d', '\ude00') }), (any) => {
        assert.equal(utf8Length(any), Buffer.byteLength(any));
      }),
    );
  });

  test('is named by partition and offset', () => {
    assert.deepEqual(parseRecordId('3:1207'), { partition: 3, offset: 1_207 });
    for (const wrong of ['', '3', '3:', ':1', 'a:1', '3:1:2', '3:-1']) assert.equal(parseRecordId(wrong), null);
  });
});

describe('JSON in lines', () => {
  const json = fc.jsonValue({ maxDepth: 6 });

  test('is what JSON.stringify makes of it, for any value', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 3), (value, space) => {
        const { text, cut } = prettyJson(JSON.stringify(value, null, space), 1_000_000);
        assert.deepEqual([text, cut], [JSON.stringify(value, null, 2), false]);
      }),
    );
  });

  test('keeps numbers and escapes as they were written', () => {
    assert.equal(
      prettyJson('{"a":1.0e5,"b":12345678901234567890,"c":"\\u00e9\\""}', 1_000).text.includes('1.0e5'),
      true,
    );
    assert.match(prettyJson('{"b":12345678901234567890}', 1_000).text, /12345678901234567890/);
  });

  test('ends where it is cut, at once, however deep and long it is', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    const long = `{"text":"${'x'.repeat(1_000_000)}"}`;
    const start = process.cpuUsage();
    for (const one of [deep, long]) {
      const { text, cut } = prettyJson(one, 10_000);
      assert.equal(cut, true);
      assert(text.length <= 10_000);
    }
    // on the processor: other programs do not count
    assert(process.cpuUsage(start).user / 1_000 < 100);
  });

  test('is told from other text', () => {
    for (const yes of ['{"a":1}', ' [1]', '"x"', '12', 'null', '-1.5e3']) assert(looksLikeJson(yes), yes);
    for (const no of ['', 'hello', 'nullable', '<img>']) assert(!looksLikeJson(no), no);
  });
});

describe('bytes as hexadecimal', () => {
  test('sixteen a line, with what can be printed', () => {
    const { text, cut } = hexDump(Buffer.from('0123456789abcdef\x00\xff', 'latin1'), 100);
    assert.equal(
      text,
      [
        '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef',
        `00000010  00 ff${' '.repeat(18)}  ${' '.repeat(23)}  ..`,
      ].join('\n'),
    );
    assert.equal(cut, false);
    assert.equal(hexDump(new Uint8Array(100), 32).cut, true);
  });

  test('come from either encoding', () => {
    assert.deepEqual([...bytesOf('/wD+', 'base64')], [0xff, 0, 0xfe]);
    assert.deepEqual([...bytesOf('é', 'utf-8')], [0xc3, 0xa9]);
  });
});

describe('a live tail', () => {
  const frame = (offsets: readonly number[], seen = offsets.length) => ({
    records: offsets.map((offset) => record({ offset })),
    seen,
    matched: seen,
    skipped: seen - offsets.length,
  });

  test('has the newest first, and so many of them', () => {
    const buffer = new TailBuffer(0);
    buffer.add(frame([1, 2]), 10);
    buffer.add(frame([3], 40), 20);
    assert.deepEqual(
      buffer.rows.map(({ offset }) => offset),
      [3, 2, 1],
    );
    assert.deepEqual([buffer.seen, buffer.matched, buffer.skipped], [42, 42, 39]);
    for (let at = 0; at < 40; at++) buffer.add(frame(Array.from({ length: 50 }, (_, index) => at * 50 + index)), 30);
    assert.equal(buffer.rows.length, MAX_ROWS);
    assert.equal(buffer.rows[0]!.offset, 1_999);
  });

  test('tells the rate of the last three seconds, once there was one', () => {
    const buffer = new TailBuffer(0);
    buffer.add(frame([], 100), 250);
    assert.equal(buffer.rates(500), null);
    assert.deepEqual(buffer.rates(1_000), { seen: 100, matched: 100 });
    buffer.add(frame([], 300), 3_000);
    assert.deepEqual(buffer.rates(4_000), { seen: 100, matched: 100 });
    assert.deepEqual(buffer.rates(9_000), { seen: 0, matched: 0 });
  });
});

describe('what the browser is asked', () => {
  const read = (query: string) => readBrowseQuery((name) => new URLSearchParams(query).get(name) ?? '');

  test('is the same from the address and back', () => {
    for (const query of [
      '',
      'order=oldest&partition=3&offset=12',
      'at=2026-05-27T14:00:00.000Z&key=a%20b&text=%26&type=x',
    ]) {
      const entries = Object.entries(addressOf(read(query))).filter(([, value]) => value !== '');
      assert.deepEqual(Object.fromEntries(entries), Object.fromEntries(new URLSearchParams(query)));
    }
    assert.equal(
      pathOf('a/b', read('key=k&partition=2'), 'c1'),
      '/api/v1/topics/a%2Fb/records?order=newest&max=100&partition=2&key=k&cursor=c1',
    );
  });

  test('is looked at before it is asked', () => {
    assert.deepEqual(mistakesIn(read('offset=12&partition=1')), {});
    assert.deepEqual(Object.keys(mistakesIn(read('offset=12'))), ['offset']);
    assert.deepEqual(Object.keys(mistakesIn({ ...read('partition=1'), start: 'offset' })), ['offset']);
    assert.deepEqual(Object.keys(mistakesIn(read('at=soon'))), ['at']);
  });

  test('has times in the zone of the field and back', () => {
    const at = '2026-05-27T14:00:00.250Z';
    assert.equal(fromLocalField(toLocalField(at)), at);
    assert.deepEqual([toLocalField('x'), fromLocalField('')], ['', '']);
  });
});
