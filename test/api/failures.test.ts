/** Failures over HTTP, on the embedded log with its real handlers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LetterCheckJson, TestFailureJson } from '../../src/api/dead-letter-check.ts';
import type { DeadLetterGroupsJson } from '../../src/api/dead-letter-groups.ts';
import type { ReplayJobJson } from '../../src/api/dead-letter-replays.ts';
import type { DeadLetterListJson } from '../../src/api/dead-letters.ts';
import type { ParkedJson } from '../../src/api/parked.ts';
import { TEST_FAILURE_KINDS } from '../../src/pipelines/test-failures.ts';
import { launchPlatform } from '../support/live-platform.ts';
import { client, jobEnded, parkedWithFollowers, poisonToCounted } from '../support/poison-to-counted.ts';
import { until } from '../support/until.ts';

const GROUP = 'streamsocial-engagement';

describe('failures', () => {
  let live: Awaited<ReturnType<typeof launchPlatform>> | undefined;
  before(async () => {
    live = await launchPlatform({ pages: false });
  });
  after(() => live?.[Symbol.asyncDispose]());

  const ask = <T>(method: string, path: string, body?: unknown) => client(live!.url).ask<T>(method, path, body);
  const get = async <T>(path: string): Promise<T> => (await ask<T>('GET', path)).body;
  const poison = async (kind: string): Promise<TestFailureJson> =>
    (await ask<TestFailureJson>('POST', '/api/v1/dlq/test-poison', { kind })).body;
  const letter = (id: string) =>
    until(async () => {
      const { entries } = await get<DeadLetterListJson>(`/api/v1/dlq?${new URLSearchParams({ text: id })}`);
      return entries.find((entry) => entry.id === id);
    });

  test('poison is found in its group, edited, checked, replayed and counted once', () =>
    poisonToCounted(live!.url, GROUP));

  test('every way to be unreadable is a group of its own, and pages go through all letters', async () => {
    const codes = {
      truncated_json: 'NOT_JSON',
      wrong_types: 'SCHEMA_MISMATCH',
      missing_key: 'MISSING_KEY',
      null_value: 'NULL_VALUE',
    };
    const since = new Date().toISOString();
    for (const [kind, code] of Object.entries(codes))
      assert.equal((await letter((await poison(kind)).letter_id)).code, code);
    await letter((await poison('null_value')).letter_id);
    const { groups, counts, matching } = await get<DeadLetterGroupsJson>(
      `/api/v1/dlq/groups?since=${since}&buckets=10`,
    );
    assert.deepEqual(Object.fromEntries(groups.map(({ code, count }) => [code, count])), {
      NULL_VALUE: 2,
      MISSING_KEY: 1,
      SCHEMA_MISMATCH: 1,
      NOT_JSON: 1,
    });
    assert.deepEqual([counts.reduce((a, b) => a + b, 0), matching], [5, 5]);

    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = new URLSearchParams({ limit: '2', since, ...(cursor === '' ? {} : { cursor }) });
      const page: DeadLetterListJson = await get(`/api/v1/dlq?${query}`);
      seen.push(...page.entries.map(({ id }) => id));
      cursor = page.next;
    }
    assert.equal(new Set(seen).size, 5);
    assert.equal(seen.length, 5);
  });

  test('a check names fields of the value, headers and keys, and asks the handlers', async () => {
    const { letter_id: id, content_id } = await poison('missing_key');
    await letter(id);
    const check = async (repair: object) =>
      (await ask<LetterCheckJson>('POST', '/api/v1/dlq/validate', { id, ...repair })).body;
    assert.deepEqual((await check({})).errors, [
      { where: 'key', path: '', message: 'the record has no key (content_id)' },
    ]);
    assert.equal((await check({ key: 'another' })).code, 'KEY_MISMATCH');
    const right = await check({ key: content_id });
    assert.deepEqual([right.valid, right.event?.event_type], [true, 'post_liked']);
    const header = (name: string, value: string) => ({ name, value });
    const binary = [header('ce_specversion', '1.0'), header('ce_id', 'x'), header('ce_source', '/x')];
    const type = header('ce_type', 'post_liked');
    const missing = await check({ key: content_id, value: '{}', headers: [...binary, type] });
    assert.deepEqual(
      missing.errors.map(({ where, path }) => [where, path]),
      [
        ['header', 'ce_userid'],
        ['header', 'ce_contentid'],
      ],
    );
    const share = [
      ...binary,
      header('ce_type', 'content_shared'),
      header('ce_userid', 'u'),
      header('ce_contentid', content_id),
    ];
    const inValue = await check({ key: content_id, value: '{"channel":3}', headers: share });
    assert.deepEqual(inValue.errors, [{ where: 'value', path: '/channel', message: 'must be string' }]);
    assert.equal((await check({ key: content_id, value: '{}', headers: share })).valid, true);
    assert.equal((await ask('POST', '/api/v1/dlq/validate', { id: 'g/none/0/0' })).status, 404);
  });

  test('an event that fails for a while is parked with what waits behind it; nobody else is delayed', async () => {
    await parkedWithFollowers(live!.url, GROUP);
    assert.equal((await get<ParkedJson>('/api/v1/parked?handler=feed')).parked, 0);
    assert.equal((await ask('GET', '/api/v1/parked?handler=nothing')).status, 400);
  });

  test('a replay of a filter is limited, can be cancelled, is alone, and can be gone back to', async () => {
    const since = new Date().toISOString();
    for (let n = 0; n < 6; n++) await letter((await poison('null_value')).letter_id);
    const filter = { since, code: 'NULL_VALUE' };
    const slow = await ask<ReplayJobJson>('POST', '/api/v1/dlq/replays', { filter, rate_per_second: 2, execute: true });
    assert.deepEqual([slow.status, slow.body.planned, slow.body.duration_ms], [202, 6, 3_000]);
    const other = await ask<{ code: string }>('POST', '/api/v1/dlq/replays', { filter, execute: true });
    assert.deepEqual([other.status, other.body.code], [409, 'REPLAY_IN_PROGRESS']);
    const cancelled = await ask<ReplayJobJson>('DELETE', `/api/v1/dlq/replays/${slow.body.id}`);
    assert.equal(cancelled.body.state, 'CANCELLED');
    assert.ok(cancelled.body.sent < 6);
    const ended = await jobEnded(live!.url, slow.body.id);
    assert.equal(ended.fates.dead, ended.sent, 'null values are given up again');
    const { replays } = await get<{ replays: ReplayJobJson[] }>('/api/v1/dlq/replays');
    assert.equal(replays[0]!.id, slow.body.id);
    assert.equal((await ask('GET', '/api/v1/dlq/replays/none')).status, 404);
    for (const body of [{}, { ids: ['x'], filter: {} }, { fingerprint: 'no' }, { ids: [] }])
      assert.equal((await ask('POST', '/api/v1/dlq/replays', body)).status, 400);
  });

  test('what cannot be made or meant is refused', async () => {
    assert.equal((await ask('POST', '/api/v1/dlq/test-poison', { kind: 'anything' })).status, 400);
    assert.equal((await ask('GET', '/api/v1/dlq?cursor=x')).status, 400);
    assert.equal((await ask('GET', '/api/v1/dlq?since=yesterday')).status, 400);
    assert.equal(TEST_FAILURE_KINDS.length, 6);
  });

  test('the server closes within a second or two of a replay that would take an hour', async () => {
    const { letter_id } = await poison('null_value');
    await letter(letter_id);
    await poison('null_value').then((next) => letter(next.letter_id));
    const slow = await ask<ReplayJobJson>('POST', '/api/v1/dlq/replays', {
      filter: {},
      rate_per_second: 0.001,
      execute: true,
    });
    assert.equal(slow.status, 202);
    const startedAt = performance.now();
    await live!.stop();
    assert.ok(performance.now() - startedAt < 5_000);
  });
});
