import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DemoReport } from '../../src/pipelines/demo.ts';
import { dataDirectory, run, up } from '../support/streamsocial.ts';

describe('the command line on the embedded log', { concurrency: true }, () => {
  it('runs a demo with poison and failures that balances, and verifies it', async (t) => {
    const data = join(await dataDirectory(t), 'data');
    const demo = await run(['demo', '--events', '2000', '--rate', '0', '--seed', '7', '--json', '--data-dir', data]);
    assert.equal(demo.code, 0, demo.stdout + demo.stderr);
    const report = JSON.parse(demo.stdout) as DemoReport;
    const { state, seed, requested, published, in_log, applied, dead_lettered, duplicates, parked, balanced } = report;
    assert.deepEqual(
      { state, seed, requested, published, in_log, duplicates, parked, balanced },
      {
        state: 'DONE',
        seed: 7,
        requested: 2000,
        published: 2000,
        in_log: 2000,
        duplicates: 0,
        parked: 0,
        balanced: true,
      },
    );
    assert.ok(dead_lettered > 0, 'poison was sent');
    assert.equal(applied + dead_lettered, 2000);

    const again = await run(['demo', '--real', '--events', '500', '--rate', '0', '--json', '--data-dir', data]);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.equal((JSON.parse(again.stdout) as DemoReport).applied, 500);
    const verified = await run(['verify', '--data-dir', data]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.match(verified.stdout, /equal an independent fold of the log\nbalanced/);

    const letters = await run(['dlq', 'list', '--json', '--limit', '1', '--data-dir', data]);
    const { id } = JSON.parse(letters.stdout) as { id: string };
    const shown = await run(['dlq', 'show', id, '--data-dir', data]);
    assert.match(shown.stdout, /first failed /);
    const planned = await run(['dlq', 'replay', id, '--data-dir', data]);
    assert.equal(planned.code, 0, planned.stderr);
    assert.match(planned.stdout, /nothing was sent; --execute sends/);
  });

  it('publishes, tails and counts through a running server', async (t) => {
    const data = join(await dataDirectory(t), 'data');
    const server = await up(t, data, ['--no-demo']);
    const like = [
      'events',
      'publish',
      '--type',
      'post_liked',
      '--user',
      'u_1',
      '--content',
      'post_1',
      '--event-id',
      'e1',
    ];
    const time = ['--timestamp', '2026-05-27T14:00:00Z', '--data-dir', data];
    const places = [await run([...like, ...time]), await run([...like, ...time])].map(({ stdout }) => stdout);
    assert.match(places[0]!, /^e1 at content-interactions:\d+:0\n$/);
    assert.equal(places[0], places[1], 'repeating it publishes nothing new');
    const tail = await run(['events', 'tail', '--from-beginning', '--max', '1', '--json', '--data-dir', data]);
    assert.equal((JSON.parse(tail.stdout) as { key: string }).key, 'post_1');
    const counted = await run(['engagement', 'get', 'post_1', '--json', '--data-dir', data]);
    assert.deepEqual(JSON.parse(counted.stdout), {
      content_id: 'post_1',
      likes: 1,
      shares: 0,
      comments: 0,
      views: 0,
      last_updated: '2026-05-27T14:00:00.000Z',
    });
    const second = await run(['up', '--web-port', '0', '--broker-port', '0', '--data-dir', data]);
    assert.equal(second.code, 6);
    assert.match(second.stderr, new RegExp(`runs already at ${server.url}`));
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('makes and describes topics', async (t) => {
    const data = ['--data-dir', join(await dataDirectory(t), 'data')];
    const create = (partitions: string) =>
      run(['topics', 'create', '-t', 'orders', '--partitions', partitions, ...data]);
    assert.equal((await create('3')).stdout, 'created orders with 3 partitions\n');
    assert.equal((await create('3')).stdout, 'orders exists already with 3 partitions; it was left as it is\n');
    const other = await create('4');
    assert.equal(other.code, 6);
    assert.match(other.stderr, /orders has 3, not 4/);
    const described = await run(['topics', 'describe', '-t', 'orders', '--json', ...data]);
    assert.equal((JSON.parse(described.stdout) as { partitions: unknown[] }).partitions.length, 3);
    const listed = await run(['topics', 'list', ...data]);
    assert.match(listed.stdout, /orders +3/);
    const planned = await run(['topics', 'plan', '--target-rps', '50000000']);
    assert.equal(planned.stdout, '1,500 partitions for 50,000,000 events/s\n');
  });

  it('says what is wrong in a line, with the exit code that fits', async (t) => {
    const data = ['--data-dir', join(await dataDirectory(t), 'data')];
    const cases: [code: number, message: RegExp, ...args: string[]][] = [
      [2, /unknown command/, 'bogus'],
      [2, /webPort: "x" from --web-port/, 'config', 'show', '--web-port', 'x'],
      [2, /AUTHENTICATION_REQUIRED/, 'up', '--web-host', '0.0.0.0', ...data],
      [2, /has to be one of user_registered/, 'events', 'publish', '--type', 'nope', '--user', 'u', ...data],
      [3, /no cluster runs in/, 'cluster', 'status', ...data],
      [5, /UNKNOWN_TOPIC/, 'topics', 'describe', '-t', 'nope', ...data],
      [5, /UNKNOWN_CONTENT/, 'engagement', 'get', 'nope', ...data],
      [5, /FILE_NOT_FOUND/, 'events', 'import', '/nope.ndjson', ...data],
    ];
    for (const [code, message, ...args] of cases) {
      const result = await run(args);
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, message);
      assert.doesNotMatch(result.stderr, /\n {4}at /, 'no stack');
    }
  });

  it('shows settings with their origin, without secrets', async () => {
    const shown = await run(['config', 'show', '--origin', '--web-port', '9999']);
    assert.match(shown.stdout, /webPort +9999 +flag --web-port/);
    assert.match(shown.stdout, /redisPort +6379 +default/);
  });
});
