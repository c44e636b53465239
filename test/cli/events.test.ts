/** What may go wrong with what verbs on events read and write. */
import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../support/programs.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';
import { objectsOf, verb } from './support/verb.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const LIKE = { event_type: 'post_liked', user_id: 'u_1', content_id: 'post_1', timestamp: '2026-05-27T14:00:00Z' };

describe('events, on an embedded log that nobody runs', { concurrency: 2, timeout: 120_000 }, () => {
  test('Ctrl-C ends an import whose input says nothing more, and what came before is published', async (t) => {
    const directory = await dataDirectory(t);
    const rejects = join(directory, 'rejects');
    const args = ['events', 'import', '-', '--json', '--rejects', rejects, '--data-dir', join(directory, 'data')];
    const program = launch(t, process.execPath, [main, ...args]);
    program.write(`no JSON\n${JSON.stringify(LIKE)}\n`);
    await until(
      () =>
        access(rejects).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 60_000, what: 'the first line' },
    );
    const ended = await program.end('SIGINT');
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^error: The import was stopped; .*\(INTERRUPTED\)\n$/);
    const [totals] = objectsOf<{ published: number; rejected: number; interrupted: boolean }>(ended);
    assert.deepEqual([totals!.rejected, totals!.interrupted], [1, true]);
    assert.equal(totals!.published, 1);
  });

  test('a file that cannot be read or written is said in a line', async (t) => {
    const directory = await dataDirectory(t);
    const file = join(directory, 'events');
    await writeFile(file, 'no JSON\n');
    const importing = (...args: string[]) => verb('events', 'import', ...args, '--data-dir', join(directory, 'data'));
    const unreadable = await importing(directory);
    assert.equal(unreadable.code, 1);
    assert.match(unreadable.stderr, /^error: .* cannot be read after line 0: EISDIR.*\(UNREADABLE_INPUT\)\n$/);
    const unwritable = await importing(file, '--rejects', join(directory, 'nowhere', 'rejects'));
    assert.equal(unwritable.code, 1);
    assert.match(unwritable.stderr, /^error: line 1 is refused .* cannot be written: ENOENT.*\(OUTPUT_FAILED\)\n$/);
  });

  test('times are taken in every form that the other verbs take', async (t) => {
    const data = ['--data-dir', join(await dataDirectory(t), 'data')];
    const read = await verb('notifications', 'read', 'u_1', '--until', '-2h', ...data);
    assert.equal(read.code, 0, read.stderr);
    assert.match(read.stdout, /^read up to \d{4}-\d\d-\d\dT.*Z: event \S+\n$/);
    const like = ['events', 'publish', '--type', 'post_liked', '--user', 'u_1', '--content', 'post_1'];
    assert.equal((await verb(...like, '--timestamp', '-1m', ...data)).code, 0);
    const days = await verb('analytics', 'minutes', '--from', '-3m', '--json', ...data);
    assert.ok([4, 5].includes(objectsOf(days).length), days.stdout);
    for (const args of [
      ['notifications', 'read', 'u_1', '--until', 'soon'],
      ['analytics', 'days', '--from', '25:00'],
      [...like, '--timestamp', '2h'],
    ]) {
      const wrong = await verb(...args, ...data);
      assert.deepEqual([wrong.code, wrong.stdout], [2, ''], args.join(' '));
    }
  });

  test('a dead letter that is not there is named', async (t) => {
    const { code, stdout, stderr } = await verb(
      'dlq',
      'replay',
      'a/b/0/1',
      '--data-dir',
      join(await dataDirectory(t), 'data'),
    );
    assert.equal(code, 5);
    assert.match(stdout, /^a\/b\/0\/1 +refused +- +no such id$/m);
    assert.equal(stderr, 'error: a/b/0/1: no such id (UNKNOWN_DEAD_LETTER)\n');
  });
});
