import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReplayJobJson } from '../../src/api/dead-letter-replays.ts';
import { diff, withContext } from '../../src/dashboard/views/failures/diff.ts';
import { eventIdIn, faultAt, wordsOf } from '../../src/dashboard/views/failures/failure-words.ts';
import { comparable, laidOut } from '../../src/dashboard/views/failures/json-layout.ts';
import {
  canEditHeaders,
  changedParts,
  draftOf,
  headersText,
  isChanged,
  parseHeaders,
  repairOf,
} from '../../src/dashboard/views/failures/letter-draft.ts';
import { apiQuery, filterOf, filterWords } from '../../src/dashboard/views/failures/letters-query.ts';
import { isSettled, outcomeWords, progressWords } from '../../src/dashboard/views/failures/replay-words.ts';

const side = (parts: ReturnType<typeof diff>, without: 'added' | 'removed') =>
  parts
    .filter(({ kind }) => kind !== without)
    .map(({ text }) => text)
    .join('');

test('a difference holds both texts, whatever they are', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc
      .array(fc.constantFrom('a', 'b', ' ', '{', '"', 'post_1', '\n'), { maxLength: 60 })
      .map((words) => words.join('')),
  );
  fc.assert(
    fc.property(text, text, (before, after) => {
      const parts = diff(before, after);
      assert.equal(side(parts, 'added'), before);
      assert.equal(side(parts, 'removed'), after);
      assert.ok(parts.every(({ text: one }, index) => one !== '' && parts[index + 1]?.kind !== parts[index]!.kind));
    }),
    { numRuns: 300 },
  );
});

test('a difference is small where the change is, and bounded where all is different', () => {
  const before = '{"user_id":42,"content_id":"post_1"}';
  assert.deepEqual(
    diff(before, before.replace('42', '"u_1"')).filter(({ kind }) => kind !== 'same'),
    [
      { kind: 'removed', text: '42' },
      { kind: 'added', text: '"u_1"' },
    ],
  );
  const long = Array.from({ length: 15_000 }, (_, n) => `w${n}`).join(' ');
  const other = Array.from({ length: 15_000 }, (_, n) => `x${n}`).join(' ');
  const start = process.cpuUsage();
  assert.equal(side(diff(long, other), 'removed'), other);
  // on the processor: other programs do not count
  assert.ok(process.cpuUsage(start).user / 1_000 < 1_000);
  const shortened = withContext(diff(`${long} end`, `${long} END`));
  assert.ok(shortened[0]!.text.length < 150 && shortened[0]!.text.includes('…'));
});

test('JSON is compared by what it says, and laid out without touching a number', () => {
  assert.equal(laidOut('{"a":12345678901234567890,"b":1.50}'), '{\n  "a": 12345678901234567890,\n  "b": 1.50\n}');
  assert.equal(laidOut('{"a":'), null);
  const { from, to } = comparable('{"a":1,"b":2}', '{\n"a": 1, "b": 3}');
  assert.deepEqual(
    diff(from, to).filter(({ kind }) => kind !== 'same'),
    [
      { kind: 'removed', text: '2' },
      { kind: 'added', text: '3' },
    ],
  );
  assert.deepEqual(comparable('{"a":1}', '{ "a":1 }'), { from: '{"a":1}', to: '{ "a":1 }' });
  assert.deepEqual(comparable('{"a":', '{"a":1}'), { from: '{"a":', to: '{"a":1}' });
});

const ORIGINAL = {
  value: '{}',
  encoding: 'utf-8',
  key: null,
  key_encoding: 'utf-8',
  headers: [
    { name: 'ce_type', value: 'post: liked', encoding: 'utf-8' },
    { name: 'empty', value: null, encoding: 'utf-8' },
  ],
} as const;
const original = (changes: object) => ({ ...ORIGINAL, ...changes }) as never;

test('a copy sends only what was changed of it', () => {
  const draft = draftOf(original({}));
  assert.deepEqual(repairOf(original({}), draft), {});
  assert.deepEqual(repairOf(original({}), { ...draft, headers: headersText(original({})) }), {});
  const repair = repairOf(original({}), { ...draft, key: 'k', headers: 'a: b: c\n\nnone' });
  assert.deepEqual(repair, {
    key: 'k',
    headers: [
      { name: 'a', value: 'b: c' },
      { name: 'none', value: null },
    ],
  });
  assert.deepEqual([isChanged(repair), isChanged({}), changedParts(repair)], [true, false, 'key and headers']);
  assert.deepEqual(
    parseHeaders(headersText(original({}))),
    ORIGINAL.headers.map(({ name, value }) => ({ name, value })),
  );
  assert.equal(draftOf(original({ value: '/w==', encoding: 'base64' })).value, '');
  assert.equal(canEditHeaders(original({})), true);
  assert.equal(canEditHeaders(original({ headers: [{ name: 'h', value: '/w==', encoding: 'base64' }] })), false);
  assert.equal(canEditHeaders(original({ headers: [{ name: 'h', value: 'a\nb', encoding: 'utf-8' }] })), false);
});

test('where JSON breaks, and whose event it was, is told as far as it can be seen', () => {
  assert.equal(
    faultAt('the value is not JSON: Bad control character in string literal in JSON at position 4 (line 1)', '0123456'),
    4,
  );
  assert.equal(faultAt('the value is not JSON: Unexpected end of JSON input', '{"a"'), 4);
  assert.equal(faultAt('the value is not UTF-8', '{'), null);
  const header = [{ name: 'ce_id', value: 'e1', encoding: 'utf-8' }];
  assert.equal(eventIdIn(header, null), 'e1');
  assert.equal(eventIdIn([], '{"event_id" : "a\\u0062c","user'), 'abc');
  assert.equal(eventIdIn([], '{"event_id":"cut'), null);
  assert.match(wordsOf('NOT_JSON').title, /not JSON/);
  assert.match(wordsOf('SOMETHING_NEW').title, /SOMETHING_NEW/);
});

test('the address names a choice, and the API is asked for the same', () => {
  const query = new URLSearchParams({ code: 'NOT_JSON', q: 'post_1', range: '1h', replayed: 'nonsense' });
  const filter = filterOf((name) => query.get(name) ?? '', 'all');
  assert.equal(filter.replayed, 'all');
  const asked = new URLSearchParams(apiQuery(filter, Date.UTC(2026, 4, 27, 12, 0, 3), { limit: '5' }));
  assert.deepEqual(Object.fromEntries(asked), {
    code: 'NOT_JSON',
    text: 'post_1',
    since: '2026-05-27T11:00:00.000Z',
    replayed: 'all',
    limit: '5',
  });
  assert.equal(filterWords(filter), 'NOT_JSON with “post_1” of the last 1 h');
  assert.equal(filterWords(filterOf(() => '', 'no')), 'of every kind');
});

test('a replay is told in words', () => {
  const fates = { pending: 1, parked: 0, applied: 2, dead: 1, unknown: 0 };
  const job = { state: 'RUNNING', planned: 10, sent: 4, sent_per_second: 2, eta_ms: 3_000, fates } as ReplayJobJson;
  assert.equal(progressWords(job), '4 of 10 sent, 2.0/s, 3.0 s left');
  assert.equal(
    outcomeWords(job),
    'Of 4 events sent: 2 counted, each once, 1 on the way to the handler, 1 dead letter again.',
  );
  assert.equal(isSettled({ ...job, state: 'DONE' }), false);
  assert.equal(isSettled({ ...job, state: 'DONE', fates: { ...fates, pending: 0 } }), true);
});
