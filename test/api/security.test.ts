import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import pino from 'pino';
import { openApi } from './support/fake-platform.ts';

const TOKEN = 'a-token-of-some-length';
const LIKE = { event_type: 'post_liked', user_id: 'u', content_id: 'x' };

test('unknown paths are 404, known ones with another method 405', async () => {
  await using api = openApi();
  const missing = await api.app.inject('/api/v2/events');
  assert.deepEqual([missing.statusCode, missing.json().code], [404, 'NOT_FOUND']);
  for (const [method, url, allow] of [
    ['DELETE', '/api/v1/events', 'GET, HEAD, POST'],
    ['POST', '/api/status', 'GET, HEAD'],
    ['PUT', '/api/v1/topics/reviews', 'GET, HEAD'],
    ['POST', '/api/v1/engagement/a/b', 'GET, HEAD'],
    ['GET', '/api/run-demo', 'POST'],
  ] as const) {
    const answer = await api.app.inject({ method, url });
    assert.deepEqual(
      [answer.statusCode, answer.json().code, answer.headers.allow],
      [405, 'METHOD_NOT_ALLOWED', allow],
      url,
    );
  }
});

test('a Host that is not ours is refused (DNS rebinding)', async () => {
  await using api = openApi({ host: '127.0.0.1' });
  for (const host of ['evil.example', 'evil.example:8765', 'localhost.evil.example']) {
    const answer = await api.app.inject({ url: '/api/status', headers: { host } });
    assert.deepEqual([answer.statusCode, answer.json().code], [421, 'MISDIRECTED_REQUEST'], host);
  }
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:8765', '[::1]:8765'])
    assert.equal((await api.app.inject({ url: '/api/status', headers: { host } })).statusCode, 200, host);
});

test('a page of another origin cannot change anything', async () => {
  await using api = openApi();
  const send = (headers: Record<string, string>) =>
    api.app.inject({
      method: 'POST',
      url: '/api/v1/events',
      payload: LIKE,
      headers: { host: 'localhost:8765', ...headers },
    });
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:9999' },
    { 'sec-fetch-site': 'cross-site' },
  ]) {
    const answer = await send(headers);
    assert.deepEqual([answer.statusCode, answer.json().code], [403, 'FORBIDDEN_ORIGIN'], JSON.stringify(headers));
  }
  assert.equal((await send({ origin: 'http://localhost:8765', 'sec-fetch-site': 'same-origin' })).statusCode, 201);
  assert.equal((await send({})).statusCode, 201);
});

test('with a token everything but probes and the page asks for it', async () => {
  await using api = openApi({ authToken: TOKEN, host: '0.0.0.0' });
  const files = Array.from((await api.app.inject('/')).body.matchAll(/"(\/assets\/[^"]+)"/g), (match) => match[1]!);
  assert.ok(files.length >= 3, 'a script, a style and an icon');
  for (const url of ['/', '/topics/content-interactions', ...files, '/livez', '/readyz'])
    assert.equal((await api.app.inject(url)).statusCode, 200, url);
  for (const url of ['/api/status', '/metrics', '/openapi.json', '/api/v1/dlq', '/nothing']) {
    const answer = await api.app.inject(url);
    assert.deepEqual(
      [answer.statusCode, answer.json().code, answer.headers['www-authenticate']],
      [401, 'UNAUTHORIZED', 'Bearer'],
      url,
    );
    const wrong = await api.app.inject({ url, headers: { authorization: `Bearer ${TOKEN}x` } });
    assert.equal(wrong.statusCode, 401);
  }
  const headers = { authorization: `Bearer ${TOKEN}`, host: 'any.example' };
  assert.equal((await api.app.inject({ url: '/api/status', headers })).statusCode, 200);
  assert.equal(
    (await api.app.inject({ method: 'POST', url: '/api/v1/events', payload: LIKE, headers })).statusCode,
    201,
  );
});

test('every answer has its guards, the page a policy without other hosts', async () => {
  await using api = openApi();
  for (const url of ['/', '/api/status', '/nothing'])
    assert.equal((await api.app.inject(url)).headers['x-content-type-options'], 'nosniff');
  const page = await api.app.inject('/');
  assert.match(String(page.headers['content-type']), /^text\/html/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /https?:|unsafe/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(page.body, /https?:|\sstyle=|<style|<script>|\son\w+=/);
  const [script] = /\/assets\/[^"]+\.js/.exec(page.body) ?? [];
  const { headers, rawPayload } = await api.app.inject({ url: script!, headers: { 'accept-encoding': 'br, gzip' } });
  assert.deepEqual(
    [headers['content-type'], headers['content-encoding'], headers['cache-control']],
    ['text/javascript; charset=utf-8', 'gzip', 'public, max-age=31536000, immutable'],
  );
  assert.equal(gunzipSync(rawPayload).toString(), (await api.app.inject(script!)).body);
});

test('a browser that is led astray gets the page, which says so; a program gets a problem', async () => {
  await using api = openApi();
  const visit = await api.app.inject({ url: '/nope', headers: { accept: 'text/html,*/*;q=0.8' } });
  assert.deepEqual([visit.statusCode, visit.body], [404, (await api.app.inject('/')).body]);
  assert.match(String(visit.headers['content-security-policy']), /default-src 'none'/);
  for (const [url, accept] of [
    ['/nope', 'application/json'],
    ['/api/v1/nope', 'text/html'],
    ['/assets/nope.js', 'text/html'],
  ] as const) {
    const answer = await api.app.inject({ url, headers: { accept } });
    assert.deepEqual([answer.statusCode, answer.json().code], [404, 'NOT_FOUND'], url);
  }
});

test('what breaks inside is logged and not told', async () => {
  const lines: string[] = [];
  await using api = openApi({ logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }) });
  api.platform.state.engagement.get = async () => {
    throw new Error('secret path /var/lib');
  };
  const answer = await api.app.inject('/api/v1/engagement/x');
  const problem = answer.json();
  assert.deepEqual([answer.statusCode, problem.code, problem.retriable], [500, 'INTERNAL_ERROR', false]);
  assert.doesNotMatch(answer.body, /secret|stack/);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /secret path/);
  assert(lines[0]!.includes(problem.reference));
});

test('bytes that are no HTTP get a problem too', async () => {
  await using api = openApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as { port: number };
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end('nonsense\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).code, 'INVALID_REQUEST');
});

test('closing ends waits and refuses what still comes on open connections', async () => {
  const api = openApi();
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const arrived = Promise.withResolvers<void>();
  api.platform.applied = () => {
    arrived.resolve();
    return new Promise(() => {});
  };
  const waiting = fetch(`${url}/api/v1/engagement/x?after=content-interactions:0:0&timeout_ms=30000`);
  const tailing = fetch(`${url}/api/v1/events?topic=content-interactions&wait_ms=30000`);
  await arrived.promise;
  while (api.platform.log.describes === 0) await nextTurn();
  const startedAt = performance.now();
  await api[Symbol.asyncDispose]();
  assert(performance.now() - startedAt < 2000);
  const refused = await waiting;
  assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [503, 'SHUTTING_DOWN']);
  assert.equal((await tailing).status, 200);
});
