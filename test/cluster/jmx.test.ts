import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { jmxReading, readJmx } from '../../src/cluster/jmx.ts';

/** In the order of the reads: state, messages, bytes, produce, fetch. */
function answer(state: number, produceCount = 5): object[] {
  return [
    { status: 200, value: { Value: state } },
    { status: 200, value: { Count: 12 } },
    { status: 200, value: { Count: 3_400 } },
    { status: 200, value: { Count: produceCount, '99thPercentile': 7.5 } },
    { status: 404, error: 'no such MBean' },
  ];
}

async function agent(t: TestContext, body: string | null): Promise<{ port: number; request(): IncomingMessage }> {
  let seen: IncomingMessage;
  const server = createServer((request, response) => {
    seen = request;
    if (body !== null) response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, request: () => seen };
}

test('a bulk answer becomes figures; what is not there yet is null or nothing', () => {
  assert.deepEqual(jmxReading(answer(3)), {
    phase: 'running',
    messagesIn: 12,
    bytesIn: 3_400,
    produceP99Ms: 7.5,
    fetchP99Ms: null,
  });
  assert.equal(jmxReading(answer(3, 0))!.produceP99Ms, null, 'no request yet');
  assert.deepEqual(
    [0, 1, 2, 3, 6, 7, 127].map((state) => jmxReading(answer(state))!.phase),
    ['starting', 'starting', 'recovering', 'running', 'stopping', 'stopping', null],
  );
  assert.equal(jmxReading({ status: 403, error: 'not allowed' }), null);
});

test('the agent is asked once, as the origin that it lets in', async (t) => {
  const { port, request } = await agent(t, JSON.stringify(answer(3)));
  assert.equal((await readJmx(port, 2_000))!.messagesIn, 12);
  assert.deepEqual([request().method, request().headers.origin], ['POST', 'http://streamsocial.invalid']);
});

test('an agent that hangs, is not there, or talks nonsense is null, in time', async (t) => {
  const { port } = await agent(t, null);
  const startedAt = performance.now();
  assert.equal(await readJmx(port, 100), null);
  assert(performance.now() - startedAt < 1_000);
  assert.equal(await readJmx(1, 1_000), null);
  assert.equal(await readJmx((await agent(t, 'hello')).port, 2_000), null);
});
