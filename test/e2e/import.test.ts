import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { dataDirectory, getJson, launch, run, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

const sample = fileURLToPath(new URL('../../assets/activity-sample.ndjson.gz', import.meta.url));
const LINES = 15_000;
const CONTENTS = 50;

interface Totals {
  readonly lines: number;
  readonly published: number;
  readonly known: number;
  readonly skipped: number;
  readonly rejected: number;
}

describe('events import', { concurrency: true }, () => {
  it('killed once in between and repeated twice, counts like one import', async (t) => {
    const directory = await dataDirectory(t);
    const file = join(directory, 'likes.ndjson');
    const likes = Array.from({ length: LINES }, (_, i) =>
      JSON.stringify({
        event_id: `like-${i}`,
        event_type: 'post_liked',
        user_id: `u_${i % 997}`,
        content_id: `post_${i % CONTENTS}`,
        timestamp: '2026-05-27T14:00:00Z',
      }),
    );
    await writeFile(file, likes.join('\n'));
    const data = join(directory, 'data');

    const killed = launch(t, ['events', 'import', file, '--data-dir', data]);
    await until(() => logHasGrown(data), { what: 'the first batches in the log', everyMs: 5 });
    killed.child.kill('SIGKILL');
    assert.equal(await killed.ended, null, 'it was not at its end');
    for (const _ of [1, 2]) {
      const repeated = await run(['events', 'import', file, '--data-dir', data, '--json']);
      assert.equal(repeated.code, 0, repeated.stderr);
      const { lines, published, known, rejected } = JSON.parse(repeated.stdout) as Totals;
      assert.deepEqual({ lines, rejected, sum: published + known }, { lines: LINES, rejected: 0, sum: LINES });
    }

    const verified = await run(['verify', '--data-dir', data]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    for (const content of ['post_0', `post_${CONTENTS - 1}`]) {
      const { stdout } = await run(['engagement', 'get', content, '--data-dir', data, '--json']);
      assert.equal((JSON.parse(stdout) as { likes: number }).likes, LINES / CONTENTS);
    }
  });

  it('takes the bundled real events, alone and through a running server, with the same counters', async (t) => {
    const expected = likesByContent(gunzipSync(await readFile(sample)).toString());
    const alone = join(await dataDirectory(t), 'data');
    const first = await run(['events', 'import', sample, '--data-dir', alone, '--json']);
    assert.equal(first.code, 0, first.stderr);
    assert.equal((JSON.parse(first.stdout) as Totals).rejected, 0);

    const served = join(await dataDirectory(t), 'data');
    const server = await up(t, served, ['--no-demo']);
    const second = await run(['events', 'import', sample, '--data-dir', served, '--json']);
    assert.equal(second.code, 0, second.stderr);
    const verified = await run(['verify', '--data-dir', served]);
    assert.equal(verified.code, 0, verified.stdout);
    for (const [content, likes] of expected) {
      const counters = await getJson<{ likes: number }>(
        `${server.url}/api/v1/engagement/${encodeURIComponent(content)}`,
      );
      assert.equal(counters.likes, likes, content);
      // the first and the last suffice for the slower way through a process each
      if (content !== [...expected.keys()][0]) continue;
      const { stdout } = await run(['engagement', 'get', content, '--data-dir', alone, '--json']);
      assert.equal((JSON.parse(stdout) as { likes: number }).likes, likes);
    }
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('reports bad lines by number in the reject file and goes on', async (t) => {
    const directory = await dataDirectory(t);
    const good = JSON.stringify({
      event_id: 'g1',
      event_type: 'post_liked',
      user_id: 'u',
      content_id: 'p',
      timestamp: '2026-05-27T14:00:00Z',
    });
    const wrong = JSON.stringify({ event_type: 'post_adored', user_id: 'u', timestamp: '2026-05-27T14:00:00Z' });
    const rejects = join(directory, 'bad.txt');
    const args = ['events', 'import', '-', '--rejects', rejects, '--data-dir', join(directory, 'data'), '--json'];
    const { code, stdout } = await run(args, `${good}\nnot json\n\n${wrong}\n${good.replace('g1', 'g2')}\n`);
    assert.equal(code, 0);
    const { published, rejected } = JSON.parse(stdout) as Totals;
    assert.deepEqual({ published, rejected }, { published: 2, rejected: 2 });
    const lines = (await readFile(rejects, 'utf8')).trim().split('\n');
    assert.deepEqual(lines.map((line) => line.split('\t')[0]).sort(), ['2', '4']);
    assert.match(lines.find((line) => line.startsWith('4'))!, /UNKNOWN_EVENT_TYPE/);
  });
});

/** The write-ahead log of the embedded log has grown well beyond what creating topics writes. */
async function logHasGrown(data: string): Promise<boolean> {
  const sizes = await Promise.all(
    ['log.db', 'log.db-wal'].map((name) =>
      stat(join(data, 'log', name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.some((size) => size > 1024 * 1024);
}

function likesByContent(ndjson: string): Map<string, number> {
  const likes = new Map<string, number>();
  for (const line of ndjson.trim().split('\n')) {
    const event = JSON.parse(line) as { event_type: string; content_id: string };
    if (event.event_type === 'post_liked') likes.set(event.content_id, (likes.get(event.content_id) ?? 0) + 1);
  }
  return likes;
}
