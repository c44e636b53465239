/** Projections and the past, as verbs on an embedded log that nobody runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDirectory } from '../support/streamsocial.ts';
import { objectsOf, verb } from './support/verb.ts';

test('projections are listed, rebuilt and asked for the past; nothing changes without --execute', async (t) => {
  const directory = await dataDirectory(t);
  const run = (...args: string[]) => verb(...args, '--data-dir', directory);
  const like = ['--type', 'post_liked', '--user', 'u_1', '--content', 'post_1'];
  for (let n = 0; n < 2; n++) assert.equal((await run('events', 'publish', ...like)).code, 0);

  const listed = objectsOf<{ name: string; applied: number; lag: number; version: number }>(
    await run('projections', 'list', '--json'),
  );
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['engagement', 'activity', 'feed', 'notifications', 'analytics', 'moderation', 'sessions'],
  );
  const [engagement] = listed;
  assert.deepEqual([engagement!.applied, engagement!.version], [2, 1]);

  const dry = await run('projections', 'rebuild', 'engagement');
  assert.deepEqual([dry.code, dry.stderr], [0, '']);
  assert.match(dry.stdout, /nothing was changed; --execute does it/);
  const [told] = objectsOf<{ executed: boolean }>(await run('projections', 'rebuild', 'engagement', '--json'));
  assert.equal(told!.executed, false);
  for (const unknown of [
    await run('projections', 'rebuild', 'nothing'),
    await run('projections', 'rebuild', 'nothing', '--shadow'),
    await run('projections', 'status', 'nothing'),
    await run('state', 'at', '0s', '--projection', 'nothing', '--key', 'post_1'),
  ]) {
    assert.equal(unknown.code, 5, unknown.stderr);
    assert.match(unknown.stderr, /^error: .*nothing.*\(UNKNOWN_PROJECTION\)\n$/);
  }

  const [report] = objectsOf<{ swapped: boolean; version: number; comparison: { differing: number } }>(
    await run('projections', 'rebuild', 'engagement', '--shadow', '--diff', '--execute', '--json'),
  );
  assert.deepEqual([report!.swapped, report!.version, report!.comparison.differing], [true, 2, 0]);

  const key = ['--projection', 'engagement', '--key', 'post_1'];
  const now = await run('state', 'at', '0s', ...key);
  assert.deepEqual([now.code, now.stderr], [0, '']);
  assert.match(now.stdout, /likes\s+2\n/);
  assert.match(now.stdout, /records folded on from the beginning of the log\n$/);
  const before = await run('state', 'at', '1h', ...key);
  assert.equal(before.code, 5);
  assert.match(before.stderr, /\(UNKNOWN_DOCUMENT\)\n$/);
  assert.equal((await run('state', 'at', 'yesterday', ...key)).code, 2);
});
