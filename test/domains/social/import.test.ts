import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { socialEventCodec as codec } from '../../../src/domains/social/codec.ts';
import { mapGhArchive, readGhArchive } from '../../../src/domains/social/import/gharchive.ts';
import { type ImportLine, type NdjsonOptions, readNdjson } from '../../../src/domains/social/import/ndjson.ts';
import { isKitError } from '../../../src/kit/errors.ts';

const STAMP = { now: Date.parse('2026-11-01T00:00:00Z'), newId: () => 'new' };

async function* stream(bytes: Buffer, chunkBytes = bytes.length || 1): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
async function read(
  content: string | Buffer,
  options: NdjsonOptions & { chunkBytes?: number } = {},
): Promise<ImportLine[]> {
  const { chunkBytes, ...rest } = options;
  return collect(readNdjson(stream(Buffer.from(content as string), chunkBytes), rest));
}
const summary = (lines: readonly ImportLine[]): unknown[] =>
  lines.map((entry) => (entry.ok ? [entry.line, entry.input] : [entry.line, entry.reason]));

describe('readNdjson', () => {
  it('numbers lines, passes over blank ones, takes CRLF, a BOM and a last line without an end', async () => {
    assert.deepEqual(summary(await read('\ufeff{"a":1}\r\n\n  \r\n{"a":2}\n{"a":3}')), [
      [1, { a: 1 }],
      [4, { a: 2 }],
      [5, { a: 3 }],
    ]);
    assert.deepEqual(await read(''), []);
    assert.deepEqual(await read('\n\n'), []);
  });

  it('answers bad lines with reason and bytes, and goes on', async () => {
    const content = Buffer.concat([
      Buffer.from('{"a":\n[1]\n5\n'),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from('{"a":1}\n'),
    ]);
    const lines = await read(content);
    assert.deepEqual(
      lines.map((entry) => [entry.line, entry.ok]),
      [
        [1, false],
        [2, false],
        [3, false],
        [4, false],
        [5, true],
      ],
    );
    const reasons = lines.map((entry) => (entry.ok ? '' : entry.reason));
    assert.match(reasons[0]!, /^the line is not JSON: /);
    assert.equal(reasons[1], 'the line is not a JSON object');
    assert.equal(reasons[3], 'the line is not UTF-8');
    assert.ok(lines[3]?.ok === false && lines[3].raw.equals(Buffer.from([0x22, 0xff, 0x22])));
  });

  it('holds no more of a line than it may have', async () => {
    const fits = `{"a":"${'x'.repeat(90)}"}`;
    const limit = Buffer.byteLength(fits);
    const content = `${fits}\r\n${fits} \n${'y'.repeat(10_000)}\n${fits}`;
    for (const chunkBytes of [1, 7, 10_000_000]) {
      const lines = await read(content, { maxLineBytes: limit, chunkBytes });
      assert.deepEqual(
        lines.map((entry) => entry.ok),
        [true, false, false, true],
      );
      const [, , long] = lines;
      assert.ok(long?.ok === false && long.raw.length === limit);
      assert.equal(long.reason, `the line is longer than ${limit} bytes`);
    }
  });

  it('reads the same however the bytes are cut and packed', async () => {
    const object = fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(object),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        async (objects, chunkBytes, gzip) => {
          const text = objects.map((one) => `${JSON.stringify(one)}\n`).join('');
          const lines = await read(gzip ? gzipSync(text) : text, { chunkBytes });
          assert.deepEqual(
            lines.map((entry) => entry.ok && entry.input),
            objects.map((one) => JSON.parse(JSON.stringify(one))),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('reads gzip of several members', async () => {
    const content = Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n')]);
    assert.deepEqual(summary(await read(content, { chunkBytes: 5 })), [
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
  });

  it('gives the lines before the damage, then says where gzip data broke', async () => {
    const whole = gzipSync(Array.from({ length: 20_000 }, (_, i) => `{"a":${i * 7919}}\n`).join(''));
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for await (const entry of readNdjson(stream(whole.subarray(0, whole.length - 100), 1000)))
          seen.push(entry.line);
      },
      (error) => isKitError(error, 'UNREADABLE_INPUT') && error.details.line === seen.length && seen.length > 0,
    );
  });

  it('passes a failing source on, and closes it when the reader stops', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"a":1}\n');
      throw new Error('disk gone');
    }
    await assert.rejects(collect(readNdjson(failing())), /disk gone/);
    for (const pack of [Buffer.from, gzipSync]) {
      let closed = false;
      async function* endless(): AsyncGenerator<Buffer> {
        try {
          for (;;) yield pack('{"a":1}\n') as Buffer;
        } finally {
          closed = true;
        }
      }
      for await (const entry of readNdjson(endless())) if (entry.line === 3) break;
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(closed);
    }
  });
});

it('accepts every event of the bundled sample, in the numbers its README states', async () => {
  const counts: Record<string, number> = {};
  const bytes = createReadStream(new URL('../../../assets/activity-sample.ndjson.gz', import.meta.url));
  for await (const entry of readNdjson(bytes)) {
    assert.ok(entry.ok);
    const { event_type } = codec.accept(entry.input, STAMP);
    counts[event_type] = (counts[event_type] ?? 0) + 1;
  }
  assert.deepEqual(counts, {
    user_registered: 64,
    post_created: 146,
    follow_initiated: 107,
    comment_added: 932,
    post_liked: 703,
    content_shared: 17,
    content_moderated: 31,
  });
});

describe('GH Archive', () => {
  const envelope = {
    id: '2489651045',
    actor: { id: 665991, login: 'petroav', url: 'https://api.github.com/users/petroav' },
    repo: { id: 28688495, name: 'petroav/6.828', url: 'https://api.github.com/repos/petroav/6.828' },
    public: true,
    created_at: '2015-01-01T15:00:00Z',
  };
  const timeline = {
    created_at: '2014-06-01T01:05:30-07:00',
    public: true,
    url: 'https://github.com/donatj/SimpleCalendar',
    actor: 'donatj',
    actor_attributes: { login: 'donatj', type: 'User' },
    repository: { id: 749771, name: 'SimpleCalendar', owner: 'donatj' },
  };
  const expected = {
    user_id: 'petroav',
    content_id: 'petroav/6.828',
    event_id: '2489651045',
    timestamp: envelope.created_at,
  };

  function mapped(event: Record<string, unknown>): Record<string, unknown> {
    const answer = mapGhArchive(event);
    assert.ok('input' in answer, JSON.stringify(answer));
    const { metadata, ...rest } = codec.accept(answer.input, STAMP);
    assert.equal(metadata.source, 'https://www.gharchive.org/');
    return rest;
  }

  const since2015: [type: string, payload: object, event_type: string, data: object][] = [
    ['WatchEvent', { action: 'started' }, 'post_liked', {}],
    ['ForkEvent', { forkee: { full_name: 'x/6.828' } }, 'content_shared', { channel: 'fork', fork: 'x/6.828' }],
    ['IssueCommentEvent', { comment: { id: 5, body: 'Hi there' } }, 'comment_added', { comment_id: '5', length: 8 }],
    ['CommitCommentEvent', { comment: { id: 6, body: '' } }, 'comment_added', { comment_id: '6', length: 0 }],
    [
      'PullRequestReviewCommentEvent',
      { comment: { id: 7, body: 'ok' } },
      'comment_added',
      { comment_id: '7', length: 2 },
    ],
    [
      'CreateEvent',
      { ref_type: 'branch', description: 'Course' },
      'post_created',
      { text: 'Course', tags: ['branch'] },
    ],
    ['CreateEvent', { ref_type: 'repository', description: null }, 'post_created', { tags: ['repository'] }],
  ];
  for (const [type, payload, event_type, data] of since2015) {
    it(`${type} -> ${event_type}`, () => {
      assert.deepEqual(mapped({ ...envelope, type, payload }), { ...expected, event_type, data });
    });
  }

  it('reads the lines of 2012 to 2014, and gives them the same id every time', () => {
    const line = { ...timeline, type: 'IssueCommentEvent', payload: { issue_id: 1, comment_id: 77 } };
    const event = mapped(line);
    assert.match(String(event.event_id), /^gh-[0-9a-f]{32}$/);
    assert.equal(event.event_id, mapped(structuredClone(line)).event_id);
    assert.notEqual(event.event_id, mapped({ ...line, created_at: '2014-06-01T01:05:31-07:00' }).event_id);
    const { event_id, ...rest } = event;
    assert.deepEqual(rest, {
      event_type: 'comment_added',
      user_id: 'donatj',
      content_id: 'donatj/SimpleCalendar',
      timestamp: timeline.created_at,
      data: { comment_id: '77' },
    });
  });

  it('reads the times of early 2012, and who is followed', () => {
    const line = {
      ...timeline,
      type: 'FollowEvent',
      payload: { target: { login: 'x' } },
      created_at: '2012/03/10 22:00:00 -0800',
    };
    const { event_id, ...rest } = mapped(line);
    assert.deepEqual(rest, {
      event_type: 'follow_initiated',
      user_id: 'donatj',
      timestamp: '2012-03-10T22:00:00-08:00',
      data: { target_user_id: 'x' },
    });
  });

  it('counts the others as skipped and refuses what lacks the essentials, by line', async () => {
    const lines = [
      { ...envelope, type: 'PushEvent', payload: {} },
      { ...envelope, type: 'WatchEvent', payload: {} },
      { ...envelope, type: 'WatchEvent', actor: {} },
      { ...envelope, type: 'ForkEvent', repo: undefined },
      { event_type: 'post_liked' },
    ];
    const content = Buffer.from(`${lines.map((line) => JSON.stringify(line)).join('\n')}\nnot json\n`);
    const entries = await collect(readGhArchive(stream(gzipSync(content))));
    assert.deepEqual(
      entries.map((entry) =>
        entry.ok === null ? entry.skipped : entry.ok ? entry.input.event_type : entry.reason.slice(0, 34),
      ),
      [
        'PushEvent',
        'post_liked',
        'WatchEvent without an actor',
        'ForkEvent without a repository',
        'the line has no GitHub event type',
        'the line is not JSON: Unexpected t',
      ],
    );
  });
});
