import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { SUBPROTOCOL } from '../../src/api/stream-protocol.ts';
import { StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { openStreams } from './support/streams.ts';

const TOKEN = 'a-token/of+some,length"';
const PATH = '/api/v1/stream';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly code: string | null;
}

/** An upgrade as a client asks for it; 101, or the answer in plain HTTP. */
function upgrade(url: string, headers: Record<string, string> = {}, path = PATH): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16, 7).toString('base64'),
        ...headers,
      },
    });
    asking.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: response.headers, code: null });
    });
    asking.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const isProblem = response.headers['content-type']?.startsWith('application/problem+json') ?? false;
        const code = isProblem ? (JSON.parse(text) as { code: string }).code : null;
        resolve({ status: response.statusCode!, headers: response.headers, code });
      });
    });
    asking.on('error', reject);
    asking.end();
  });
}

test('a Host that is not ours is refused before the upgrade', async () => {
  await using api = await openStreams();
  for (const host of ['evil.example', 'localhost.evil.example:80']) {
    const { status, code } = await upgrade(api.url, { host });
    assert.deepEqual([status, code], [421, 'MISDIRECTED_REQUEST'], host);
  }
  assert.equal((await upgrade(api.url, { host: 'localhost:1' })).status, 101);
});

test('a page of another origin cannot listen', async () => {
  await using api = await openStreams();
  const host = new URL(api.url).host;
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
  ]) {
    const { status, code } = await upgrade(api.url, headers as Record<string, string>);
    assert.deepEqual([status, code], [403, 'FORBIDDEN_ORIGIN'], JSON.stringify(headers));
  }
  assert.equal((await upgrade(api.url, { origin: `http://${host}` })).status, 101);
  assert.equal((await upgrade(api.url)).status, 101);
});

test('with a token it has to be in the header, or in a subprotocol, which is not given back', async () => {
  await using api = await openStreams({ authToken: TOKEN, host: '0.0.0.0' });
  const coded = (token: string) => `bearer.${Buffer.from(token).toString('base64url')}`;
  for (const headers of [
    {},
    { authorization: `Bearer ${TOKEN}x` },
    { 'sec-websocket-protocol': `${SUBPROTOCOL}, ${coded(`${TOKEN}x`)}` },
    { 'sec-websocket-protocol': `${SUBPROTOCOL}, bearer.` },
    { authorization: 'Bearer wrong', 'sec-websocket-protocol': `${SUBPROTOCOL}, ${coded(TOKEN)}` },
  ]) {
    const { status, code, headers: answered } = await upgrade(api.url, headers as Record<string, string>);
    assert.deepEqual([status, code, answered['www-authenticate']], [401, 'UNAUTHORIZED', 'Bearer']);
  }
  assert.equal((await upgrade(api.url, { authorization: `Bearer ${TOKEN}` })).status, 101);
  const { status, headers } = await upgrade(api.url, { 'sec-websocket-protocol': `${coded(TOKEN)}, ${SUBPROTOCOL}` });
  assert.deepEqual([status, headers['sec-websocket-protocol']], [101, SUBPROTOCOL]);
  const crossSite = await upgrade(api.url, { authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' });
  assert.equal(crossSite.code, 'FORBIDDEN_ORIGIN');
});

test('an unknown subprotocol, a bad handshake and other addresses are refused', async () => {
  await using api = await openStreams();
  const other = await upgrade(api.url, { 'sec-websocket-protocol': 'streamsocial.v9' });
  assert.deepEqual([other.status, other.code], [400, 'INVALID_REQUEST']);
  for (const header of ['sec-websocket-version', 'sec-websocket-key']) {
    const { status, code, headers } = await upgrade(api.url, { [header]: '7' });
    assert.deepEqual([status, code, headers['sec-websocket-version']], [400, 'INVALID_REQUEST', '13'], header);
  }
  const elsewhere = await upgrade(api.url, {}, '/api/v1/streams');
  assert.deepEqual([elsewhere.status, elsewhere.code], [404, 'NOT_FOUND']);
});

test('without an upgrade it says what it is; an upgrade to HTTP/2 is a plain request', async () => {
  await using api = await openStreams();
  const plain = await fetch(`${api.url}${PATH}`);
  assert.deepEqual(
    [plain.status, plain.headers.get('upgrade'), ((await plain.json()) as { code: string }).code],
    [426, 'websocket', 'UPGRADE_REQUIRED'],
  );
  assert.equal((await upgrade(api.url, { upgrade: 'h2c' }, '/livez')).status, 200);
  assert.equal((await upgrade(api.url, { upgrade: 'h2c' })).status, 426);
});

test('more clients than may be are told to come later; room is made by those that leave', async () => {
  await using api = await openStreams({ limits: { maxConnections: 2 } });
  const [first] = [await api.connect(), await api.connect()];
  const { status, code, headers } = await upgrade(api.url);
  assert.deepEqual([status, code, headers['retry-after']], [503, 'TOO_MANY_STREAMS', '5']);
  first!.socket.close();
  await until(async () => (await upgrade(api.url)).status === 101);
});

test('a server that stops says so, cuts off who does not answer, and takes nobody more', async () => {
  const api = await openStreams();
  const [polite, deaf] = [await api.connect(), await api.connect()];
  await polite!.subscribe({ id: 's', topics: ['user-actions'] });
  deaf!.socket.pause();
  const startedAt = performance.now();
  const closing = api.app.close();
  assert.deepEqual(await polite!.closed, { code: 1001, reason: 'the server is stopping' });
  await closing;
  assert.ok(performance.now() - startedAt < 3_000, 'closing took too long');
  deaf!.socket.terminate();
  await assert.rejects(StreamClient.connect(api.streamUrl));
  await api[Symbol.asyncDispose]();
});

test('the number of clients and what was sent to them are metrics', async () => {
  await using api = await openStreams();
  const client = await api.connect();
  await client.subscribe({ id: 's', topics: ['content-interactions'] });
  await api.like('post_1');
  await client.untilDelivered(1);
  const metrics = await (await fetch(`${api.url}/metrics`)).text();
  assert.match(metrics, /^streamsocial_stream_connections 1$/m);
  assert.match(metrics, /^streamsocial_stream_events_total 1$/m);
  assert.match(metrics, /^streamsocial_stream_partition_readers 6$/m);
});
