import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/api/stream-protocol.ts';
import { CATEGORIES } from '../../src/domains/social/events.ts';
import type { Delivered, StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { openStreams } from './support/streams.ts';

const TOPIC = CATEGORIES.content_interaction.topic;
/** More than a kernel holds for a client that reads nothing. */
const EVENTS = 400;
const EVENT_BYTES = 50_000;
const PAD = { pad: 'x'.repeat(EVENT_BYTES) };
/** One read of the log, soft, as JSON. */
const READ_BYTES = 256 * 1024;

type Api = Awaited<ReturnType<typeof openStreams>>;

async function metric(api: Api, name: string): Promise<number> {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (\\d+)$`, 'm'))![1]);
}

/** The most that waited for clients while all was published. */
async function publishAll(api: Api): Promise<number> {
  let most = 0;
  for (let n = 0; n < EVENTS; n++) {
    await api.like(`post_${n % 20}`, `u_${n}`, PAD);
    if (n % 20 === 0) most = Math.max(most, await metric(api, 'streamsocial_stream_waiting_bytes'));
  }
  return most;
}

function assertOnceInOrder(items: readonly Delivered[]): void {
  assert.equal(items.length, EVENTS);
  for (const inPartition of Map.groupBy(items, ({ partition }) => partition).values())
    assert.deepEqual(
      inPartition.map(({ offset }) => offset),
      inPartition.map((_, index) => index),
    );
}

async function caughtUp(api: Api): Promise<StreamClient> {
  const client = await api.connect();
  await client.subscribe({ id: 's', topics: [TOPIC] });
  await client.next('caught-up');
  return client;
}

test('a client that takes nothing costs little, delays nobody, is shed, and goes on from its position', async () => {
  const limits = { maxClientBytes: 128 * 1024, maxTotalBytes: 192 * 1024, tickMs: 20, stalledAfterMs: 700 };
  await using api = await openStreams({ limits });
  const [deaf, other, good] = [await caughtUp(api), await caughtUp(api), await caughtUp(api)];
  deaf.socket.pause();
  other.socket.pause();
  const most = await publishAll(api);
  assert.ok(most <= limits.maxTotalBytes + 3 * READ_BYTES, `${most} bytes waited`);
  assertOnceInOrder(await good.untilDelivered(EVENTS));
  await until(async () => (await metric(api, 'streamsocial_stream_shed_total')) === 2);
  assert.equal(await metric(api, 'streamsocial_stream_waiting_bytes'), 0);
  deaf.socket.resume();
  // 1006: what was on its way to the client did not reach it before it was cut off
  const { code } = await deaf.closed;
  assert.ok([4008, 1006].includes(code), String(code));
  const before = deaf.delivered();
  assert.ok(before.length < EVENTS);
  const back = await api.connect();
  await back.subscribe({ id: 's', topics: [TOPIC], from: deaf.position });
  const after = await back.untilDelivered(EVENTS - before.length);
  assertOnceInOrder([...before, ...after]);
});

test('a client that pauses for a while catches up by itself and gets everything once', async () => {
  await using api = await openStreams({ limits: { maxClientBytes: 128 * 1024, tickMs: 20 } });
  const client = await caughtUp(api);
  client.socket.pause();
  await publishAll(api);
  assert.ok(client.delivered().length < EVENTS);
  client.socket.resume();
  await client.next('caught-up');
  assertOnceInOrder(await client.untilDelivered(EVENTS));
  assert.equal(await metric(api, 'streamsocial_stream_shed_total'), 0);
});

test('a client that had caught up and stays behind is shed', async () => {
  await using api = await openStreams({
    limits: { maxClientBytes: 128 * 1024, tickMs: 20, behindAfterMs: 300, stalledAfterMs: 60_000 },
  });
  const client = await caughtUp(api);
  client.socket.pause();
  await publishAll(api);
  await until(async () => (await metric(api, 'streamsocial_stream_shed_total')) === 1);
  await until(async () => (await metric(api, 'streamsocial_stream_connections')) === 0);
});

test('a peer that answers no ping is ended', async () => {
  await using api = await openStreams({ limits: { pingMs: 40, tickMs: 10 } });
  const alive = await api.connect();
  const dead = new WebSocket(api.streamUrl, [SUBPROTOCOL], { autoPong: false });
  const code = await new Promise((resolve) => dead.on('close', resolve));
  assert.equal(code, 1006);
  assert.equal(alive.socket.readyState, WebSocket.OPEN);
  assert.equal(await metric(api, 'streamsocial_stream_connections'), 1);
});

test('a client that asks on and takes no answer is cut off before its answers fill the memory', async () => {
  const limits = { maxClientBytes: 128 * 1024, stalledAfterMs: 60_000 };
  await using api = await openStreams({ limits });
  const client = await api.connect();
  client.socket.pause();
  const id = '\u0001'.repeat(64);
  let most = 0;
  for (let n = 0; n < 400 && (await metric(api, 'streamsocial_stream_connections')) === 1; n++) {
    for (let message = 0; message < 30; message++) client.say({ type: 'unsubscribe', id });
    most = Math.max(most, await metric(api, 'streamsocial_stream_waiting_bytes'));
  }
  assert.ok(most > limits.maxClientBytes && most < 2 * limits.maxClientBytes, `${most} bytes waited`);
  assert.equal(await metric(api, 'streamsocial_stream_connections'), 0);
});

test('all subscriptions of a client that takes nothing cost no more than a few reads', async () => {
  const limits = { maxClientBytes: 128 * 1024, maxCatchUpReads: 2, stalledAfterMs: 60_000 };
  await using api = await openStreams({ limits });
  await publishAll(api);
  const client = await api.connect();
  client.socket.pause();
  for (let n = 0; n < 16; n++) client.say({ type: 'subscribe', id: `s${n}`, topics: [TOPIC], from: 'earliest' });
  let most = 0;
  let frames = -1;
  await until(async () => {
    const before = frames;
    frames = await metric(api, 'streamsocial_stream_events_total');
    const waiting = await metric(api, 'streamsocial_stream_waiting_bytes');
    most = Math.max(most, waiting);
    return frames === before && waiting > limits.maxClientBytes;
  });
  assert.ok(most <= limits.maxClientBytes + limits.maxCatchUpReads * READ_BYTES, `${most} bytes waited`);
  client.socket.terminate();
  await until(async () => (await metric(api, 'streamsocial_stream_waiting_bytes')) === 0, { what: 'the memory back' });
});
