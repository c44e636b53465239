import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moment, momentOf, pastMoment, timestamp } from '../../src/cli/moment.ts';

const NOW = Date.parse('2026-05-27T15:30:20.500Z');

test('a time is RFC 3339, a time of today here, or how long ago', () => {
  assert.equal(momentOf('2026-05-27T14:00:00Z', NOW), Date.parse('2026-05-27T14:00:00Z'));
  assert.equal(momentOf('2026-05-27T14:00:00+02:00', NOW), Date.parse('2026-05-27T12:00:00Z'));
  assert.equal(momentOf('-2h', NOW), NOW - 7_200_000);
  assert.equal(momentOf('-500ms', NOW), NOW - 500);
  assert.equal(momentOf('-999999999999d', NOW), 0);
  for (const [text, ...wanted] of [
    ['14:00', 14, 0, 0, 0],
    ['23:59:58', 23, 59, 58, 0],
  ] as const) {
    const here = new Date(momentOf(text, NOW)!);
    assert.deepEqual([here.getHours(), here.getMinutes(), here.getSeconds(), here.getMilliseconds()], wanted);
    assert.equal(here.toDateString(), new Date(NOW).toDateString());
  }
  for (const text of [
    '',
    'yesterday',
    '24:00',
    '14:60',
    '1:00',
    '14',
    '2h',
    '-2',
    '-2w',
    '2026-05-27',
    '2026-05-27T14:00',
  ])
    assert.equal(momentOf(text, NOW), null, text);
});

test('as an argument, how long ago needs no sign', () => {
  assert.equal(pastMoment('2h', NOW), NOW - 7_200_000);
  assert.equal(pastMoment('-2h', NOW), NOW - 7_200_000);
  assert.throws(() => pastMoment('soon', NOW), { code: 'USAGE', message: /^soon is no time: 2026-/ });
});

test('for the HTTP API every form becomes RFC 3339, and that stays as it was typed', () => {
  assert.equal(timestamp('2026-05-27T14:00:00+02:00'), '2026-05-27T14:00:00+02:00');
  assert.equal(timestamp('14:00'), new Date(moment('14:00')).toISOString());
  assert.throws(() => timestamp('soon'), { code: 'commander.invalidArgument', message: /It must be a time: 2026-/ });
});
