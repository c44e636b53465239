import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../src/broker/connection.ts';
import { type BrokerLimits, DEFAULT_LIMITS } from '../../src/broker/limits.ts';
import { BrokerServer } from '../../src/broker/server.ts';
import { KitError } from '../../src/kit/errors.ts';
import { until } from '../support/until.ts';
import { WireClient } from './support/wire-client.ts';

interface Line {
  readonly level: 'warn' | 'error';
  readonly code: unknown;
}

/** A server whose requests are bytes, of which the first eight are nothing to it. */
class Scene implements AsyncDisposable {
  readonly server: BrokerServer;
  readonly lines: Line[] = [];
  readonly #clients: WireClient[] = [];
  #port = 0;

  static async open(answer: Answer, limits: Partial<BrokerLimits> = {}): Promise<Scene> {
    const scene = new Scene(answer, { ...DEFAULT_LIMITS, ...limits });
    scene.#port = await scene.server.listen('127.0.0.1', 0);
    return scene;
  }

  private constructor(answer: Answer, limits: BrokerLimits) {
    const note = (level: Line['level']) => (details: object) => {
      this.lines.push({ level, code: (details as { code?: string }).code });
    };
    this.server = new BrokerServer({ answer, limits, logger: { warn: note('warn'), error: note('error') } });
  }

  async connect(): Promise<WireClient> {
    const client = await WireClient.connect(this.#port);
    this.#clients.push(client);
    return client;
  }

  /** Whatever was taken has been given back. */
  async isQuiet(): Promise<void> {
    const { received, unsent } = this.server;
    const quiet = (): boolean =>
      this.server.openConnections === 0 &&
      received.free === DEFAULT_LIMITS.maxReceivedBytes &&
      unsent.free === DEFAULT_LIMITS.maxUnsentBytes;
    await until(quiet, { what: 'giving everything back' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.server.close();
  }
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function request(text: string): Buffer {
  return framed(Buffer.from(`--------${text}`));
}

async function ended(client: WireClient): Promise<void> {
  await until(() => client.hasEnded, { what: 'the end of the connection', everyMs: 5 });
}

const textOf = (frame: Buffer): string => frame.subarray(8).toString();
const echo: Answer = async (frame) => [frame];
const MIB = 1024 * 1024;

/** Answers when the test says so, request by request. */
class Held {
  readonly begun: { readonly text: string; readonly signal: AbortSignal; finish(): void }[] = [];
  readonly answer: Answer = (frame, { signal }) => {
    const { promise, resolve } = Promise.withResolvers<readonly Buffer[]>();
    this.begun.push({ text: textOf(frame), signal, finish: () => resolve([frame]) });
    return promise;
  };

  async until(count: number): Promise<void> {
    await until(() => this.begun.length === count, { what: `${count} requests under way` });
  }
}

describe('a connection', () => {
  test('answers in the order of the requests, which are under way at once', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer);
    const client = await scene.connect();
    client.raw(Buffer.concat(['a', 'b', 'c'].map(request)));
    await held.until(3);
    for (const { finish } of held.begun.toReversed()) finish();
    const answers = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()];
    assert.deepEqual(answers.map(textOf), ['a', 'b', 'c']);
  });

  test('has no answer to a request that wants none, and goes on', async () => {
    await using scene = await Scene.open(async (frame) => (textOf(frame) === 'quiet' ? null : [frame]));
    const client = await scene.connect();
    client.raw(Buffer.concat([request('quiet'), request('loud')]));
    assert.equal(textOf(await client.nextFrame()), 'loud');
  });

  test('begins no more than so many at once', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { maxInFlightRequests: 2 });
    const client = await scene.connect();
    client.raw(Buffer.concat(['a', 'b', 'c'].map(request)));
    await held.until(2);
    const other = await scene.connect();
    other.raw(request('other'));
    await held.until(3);
    assert.equal(held.begun[2]!.text, 'other', 'the third of the first connection waits');
    held.begun[0]!.finish();
    await held.until(4);
    assert.equal(held.begun[3]!.text, 'c');
  });

  test('tells its requests when it has ended', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer);
    const client = await scene.connect();
    client.raw(request('a'));
    await held.until(1);
    await client.close();
    await until(() => held.begun[0]!.signal.aborted, { what: 'the signal' });
    assert.deepEqual(scene.lines, []);
    assert.notEqual(scene.server.received.free, DEFAULT_LIMITS.maxReceivedBytes, 'the request is still under way');
    held.begun[0]!.finish();
    await scene.isQuiet();
  });

  test('ends without requests after a while', async () => {
    await using scene = await Scene.open(echo, { idleTimeoutMs: 50 });
    const client = await scene.connect();
    await ended(client);
    assert.deepEqual(scene.lines, []);
    await scene.isQuiet();
  });

  test('does not end while a request is under way', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { idleTimeoutMs: 50 });
    const [waiting, idle] = [await scene.connect(), await scene.connect()];
    waiting.raw(request('a'));
    await held.until(1);
    await ended(idle);
    // ends as well if it must, some time after the other
    await ended(await scene.connect());
    held.begun[0]!.finish();
    assert.equal(textOf(await waiting.nextFrame()), 'a');
  });

  test('ends if it cannot be seen whether the client is still there', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { idleTimeoutMs: 50, maxInFlightRequests: 1 });
    const client = await scene.connect();
    client.raw(request('a'));
    await ended(client);
    for (const { finish } of held.begun) finish();
    await scene.isQuiet();
  });
});

describe('what is wrong with the bytes ends that connection only, with one line', () => {
  const cases: readonly [string, Buffer, string][] = [
    ['a length over the limit', framed(Buffer.alloc(1_001)), 'REQUEST_TOO_LARGE'],
    ['a length over the limit, and nothing after it', framed(Buffer.alloc(1_001)).subarray(0, 4), 'REQUEST_TOO_LARGE'],
    ['a length below any header', framed(Buffer.alloc(7)), 'MALFORMED_REQUEST'],
    ['a length below zero', Buffer.from('ffffffff0000', 'hex'), 'MALFORMED_REQUEST'],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'REQUEST_TOO_LARGE'],
    ['a refusal by who answers', request('refuse'), 'UNSUPPORTED_REQUEST'],
  ];
  const answer: Answer = async (frame) => {
    if (textOf(frame) === 'refuse') throw new KitError('UNSUPPORTED_REQUEST', 'not here');
    return [frame];
  };
  for (const [what, bytes, code] of cases) {
    test(what, async () => {
      await using scene = await Scene.open(answer, { maxRequestBytes: 1_000 });
      const [good, bad] = [await scene.connect(), await scene.connect()];
      bad.raw(bytes);
      await ended(bad);
      assert.deepEqual(scene.lines, [{ level: 'warn', code }]);
      good.raw(request('still here'));
      assert.equal(textOf(await good.nextFrame()), 'still here');
      assert.equal(scene.server.openConnections, 1);
      await good.close();
      await scene.isQuiet();
    });
  }

  test('when its turn comes: what was asked before is answered', async () => {
    const held = new Held();
    const answer: Answer = (frame, asking) => {
      if (textOf(frame) === 'bad') throw new TypeError('a bug');
      return held.answer(frame, asking);
    };
    await using scene = await Scene.open(async (frame, asking) => answer(frame, asking));
    const client = await scene.connect();
    client.raw(Buffer.concat(['a', 'b', 'bad', 'after it'].map(request)));
    await held.until(3);
    held.begun[1]!.finish();
    held.begun[0]!.finish();
    assert.deepEqual([await client.nextFrame(), await client.nextFrame()].map(textOf), ['a', 'b']);
    await ended(client);
    assert.deepEqual(scene.lines, [{ level: 'error', code: undefined }]);
    for (const { finish } of held.begun) finish();
    await scene.isQuiet();
  });

  test('when its turn comes, unless the client goes before', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { maxRequestBytes: 1_000 });
    const client = await scene.connect();
    client.raw(Buffer.concat([request('a'), framed(Buffer.alloc(1_001))]));
    await held.until(1);
    client.raw(request('which nobody reads'));
    client.socket.end();
    await until(() => held.begun[0]!.signal.aborted, { what: 'the signal' });
    held.begun[0]!.finish();
    await scene.isQuiet();
  });

  test('a client that goes in the middle of a request', async () => {
    await using scene = await Scene.open(echo);
    const client = await scene.connect();
    client.raw(request('half of it').subarray(0, 9));
    client.socket.end();
    await ended(client);
    await scene.isQuiet();
    assert.deepEqual(scene.lines, [{ level: 'warn', code: 'MALFORMED_REQUEST' }]);
  });

  test('a fault of ours is an error, with its connection ended', async () => {
    await using scene = await Scene.open(async () => {
      throw new TypeError('a bug');
    });
    const client = await scene.connect();
    client.raw(request('a'));
    await ended(client);
    assert.deepEqual(scene.lines, [{ level: 'error', code: undefined }]);
    await scene.isQuiet();
  });

  test('a fault of ours is told of when the client has gone as well', async () => {
    const late = Promise.withResolvers<null>();
    await using scene = await Scene.open(() => late.promise);
    const client = await scene.connect();
    client.raw(request('a'));
    await until(() => scene.server.received.free < DEFAULT_LIMITS.maxReceivedBytes);
    await client.close();
    await until(() => scene.server.openConnections === 0);
    late.reject(new TypeError('a bug'));
    await scene.isQuiet();
    assert.deepEqual(scene.lines, [{ level: 'error', code: undefined }]);
  });
});

describe('a peer that stops', () => {
  test('in the middle of a request is given up', async () => {
    await using scene = await Scene.open(echo, { stallTimeoutMs: 50 });
    const client = await scene.connect();
    client.raw(request('half of it').subarray(0, 9));
    await ended(client);
    assert.deepEqual(scene.lines, [{ level: 'warn', code: 'CLIENT_STALLED' }]);
    await scene.isQuiet();
  });

  test('in the middle of a request while another one is under way, too', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { stallTimeoutMs: 50 });
    const client = await scene.connect();
    client.raw(Buffer.concat([request('whole'), request('half of it').subarray(0, 9)]));
    await ended(client);
    assert.deepEqual(scene.lines, [{ level: 'warn', code: 'CLIENT_STALLED' }]);
    held.begun[0]!.finish();
    await scene.isQuiet();
  });

  test('taking its responses is given up, and what they take is bounded', async () => {
    let answered = 0;
    const piece = Buffer.alloc(MIB);
    const answer: Answer = async () => {
      answered++;
      return [piece];
    };
    await using scene = await Scene.open(answer, { stallTimeoutMs: 100, maxInFlightRequests: 4 });
    const client = await scene.connect();
    client.socket.pause();
    client.raw(Buffer.concat(Array.from({ length: 200 }, () => request('more'))));
    await until(() => scene.lines.length > 0, { what: 'giving it up' });
    assert.deepEqual(scene.lines, [{ level: 'warn', code: 'CLIENT_STALLED' }]);
    // what the system's own buffers take besides
    assert.ok(answered < 50, `${answered} responses were made`);
    client.socket.resume();
    await ended(client);
    await scene.isQuiet();
  });

  test('is not one that sends, in pieces, one request after the other', async () => {
    await using scene = await Scene.open(echo, { stallTimeoutMs: 200 });
    const client = await scene.connect();
    const [bytes, half] = [request('a request'), 10];
    client.raw(bytes.subarray(0, half));
    const startedAt = performance.now();
    let answers = 0;
    // there is always half a request, and each moves within the time
    while (performance.now() - startedAt < 500) {
      client.raw(Buffer.concat([bytes.subarray(half), bytes.subarray(0, half)]));
      assert.equal(textOf(await client.nextFrame()), 'a request');
      answers++;
    }
    assert.ok(answers > 0);
    assert.deepEqual(scene.lines, []);
  });
});

describe('memory that connections share', () => {
  test('is waited for, and a large request goes when those before it are answered', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { maxReceivedBytes: 1_000 });
    const [first, second] = [await scene.connect(), await scene.connect()];
    first.raw(request('x'.repeat(600)));
    await held.until(1);
    second.raw(request('y'.repeat(600)));
    first.raw(request('z'));
    await until(() => first.socket.bytesWritten > 600 && second.socket.bytesWritten > 600);
    const third = await scene.connect();
    await until(() => scene.server.openConnections === 3);
    assert.deepEqual(
      held.begun.map(({ text }) => text[0]),
      ['x'],
    );
    held.begun[0]!.finish();
    await held.until(3);
    assert.deepEqual(held.begun.map(({ text }) => text[0]).toSorted(), ['x', 'y', 'z']);
    assert.equal(third.hasEnded, false);
    for (const { finish } of held.begun) finish();
  });

  test('waiting for it is not stalling, and ends with the connection', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer, { maxReceivedBytes: 1_000, stallTimeoutMs: 50 });
    const [first, waiting, leaving] = [await scene.connect(), await scene.connect(), await scene.connect()];
    first.raw(request('x'.repeat(900)));
    await held.until(1);
    waiting.raw(request('y'.repeat(900)));
    leaving.raw(request('z'.repeat(900)));
    // one that stalls, to see the time pass
    const stalled = await scene.connect();
    stalled.raw(Buffer.from([0]));
    await ended(stalled);
    assert.deepEqual(scene.lines, [{ level: 'warn', code: 'CLIENT_STALLED' }]);
    await leaving.close();
    assert.equal(waiting.hasEnded, false);
    held.begun[0]!.finish();
    await held.until(2);
    held.begun[1]!.finish();
    assert.equal(textOf(await waiting.nextFrame())[0], 'y');
  });

  test('of responses counts those that wait for their turn', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer);
    const client = await scene.connect();
    client.raw(Buffer.concat([request('first'), request('x'.repeat(10_000))]));
    await held.until(2);
    held.begun[1]!.finish();
    await until(() => scene.server.unsent.free === DEFAULT_LIMITS.maxUnsentBytes - 10_008, { what: 'the count' });
    held.begun[0]!.finish();
    await client.nextFrame();
    await client.nextFrame();
    await client.close();
    await scene.isQuiet();
  });
});

describe('the server', () => {
  test('refuses connections beyond the limit, with one line for many', async () => {
    await using scene = await Scene.open(echo, { maxConnections: 2 });
    const kept = [await scene.connect(), await scene.connect()];
    await until(() => scene.server.openConnections === 2);
    for (let i = 0; i < 3; i++) await ended(await scene.connect());
    assert.deepEqual(scene.lines, [{ level: 'warn', code: undefined }]);
    await kept[0]!.close();
    await until(() => scene.server.openConnections === 1);
    const next = await scene.connect();
    next.raw(request('room again'));
    assert.equal(textOf(await next.nextFrame()), 'room again');
  });

  test('ends everything when it closes, without a word', async () => {
    const held = new Held();
    await using scene = await Scene.open(held.answer);
    const [idle, half, busy] = [await scene.connect(), await scene.connect(), await scene.connect()];
    half.raw(request('half of it').subarray(0, 9));
    busy.raw(request('under way'));
    await held.until(1);
    await until(() => scene.server.openConnections === 3);
    await scene.server.close();
    await Promise.all([idle, half, busy].map(ended));
    assert.equal(held.begun[0]!.signal.aborted, true);
    held.begun[0]!.finish();
    await scene.isQuiet();
    await assert.rejects(scene.connect(), { code: 'ECONNREFUSED' });
    assert.deepEqual(scene.lines, []);
  });
});
