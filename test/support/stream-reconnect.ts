/**
 * A client of the stream that loses its connection twice while 1,000 events a second flow, once with a close and once with a
 * socket that is destroyed, and goes on from the last position it has processed.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Delivered, StreamClient } from './stream-client.ts';
import type { Server } from './streamsocial.ts';
import { until } from './until.ts';

const RATE_PER_SECOND = 1_000;
const SECONDS = 4;
const BATCH = 20;
const CONTENTS = 50;
const USERS = 10;

/** `<content>:<n>`: the n-th event of its content. */
type Sequence = string;

/** Publishes at the rate, each content's events numbered in their order. */
async function publishSteadily({ url }: Server, prefix: string): Promise<Sequence[]> {
  const sent: Sequence[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < RATE_PER_SECOND * SECONDS; n += BATCH) {
    await delay(Math.max(0, startedAt + (n * 1_000) / RATE_PER_SECOND - performance.now()));
    const events = Array.from({ length: BATCH }, (_, index) => {
      const content = `${prefix}_${(n + index) % CONTENTS}`;
      const sequence = `${content}:${Math.floor((n + index) / CONTENTS)}`;
      sent.push(sequence);
      return {
        event_type: 'comment_added',
        user_id: `${prefix}_u_${(n + index) % USERS}`,
        content_id: content,
        data: { text: sequence },
      };
    });
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    assert.equal(response.status, 200, await response.text());
  }
  return sent;
}

/** Keeps what it has processed and the position that covers it, as docs/stream.md says. */
class Reader {
  readonly items: Delivered[] = [];
  readonly #url: string;
  readonly #wanted: object;
  position: string | undefined;
  client: StreamClient | undefined;

  constructor({ url }: Server, wanted: object) {
    this.#url = `${url.replace('http', 'ws')}/api/v1/stream`;
    this.#wanted = wanted;
  }

  async connect(): Promise<void> {
    const client = await StreamClient.connect(this.#url);
    this.client = client;
    client.socket.on('message', (data) => {
      const { position, events = [] } = JSON.parse(String(data));
      this.items.push(...events);
      this.position = position ?? this.position;
    });
    await client.subscribe({ ...this.#wanted, id: 's', ...(this.position && { from: this.position }) });
  }
}

function textOf({ event }: Delivered): string {
  return (event as { data: { text: string } }).data.text;
}

function assertOnceInOrder(items: readonly Delivered[], expected: readonly Sequence[]): void {
  const texts = items.map(textOf);
  assert.equal(texts.length, expected.length);
  assert.deepEqual(new Set(texts), new Set(expected));
  const order = (all: readonly string[]) => Object.groupBy(all, (text) => text.split(':')[0]!);
  assert.deepEqual(
    { ...order(texts) },
    { ...order(expected) },
    'in the order of their publication, content by content',
  );
}

/** Nobody else may publish comments meanwhile. */
export async function losesItsConnectionTwice(server: Server, prefix: string): Promise<void> {
  const all = new Reader(server, { topics: ['content-interactions'], event_types: ['comment_added'] });
  const one = new Reader(server, { user: `${prefix}_u_3` });
  const readers = [all, one];
  for (const reader of readers) await reader.connect();
  const publishing = publishSteadily(server, prefix);
  const expectedAtThird = (RATE_PER_SECOND * SECONDS) / 3;

  await until(() => all.items.length > expectedAtThird, { what: 'a third of the events' });
  for (const { client } of readers) client!.socket.close();
  for (const { client } of readers) await client!.closed;
  await delay(200); // away for a while, as events go on
  for (const reader of readers) await reader.connect();

  await until(() => all.items.length > 2 * expectedAtThird, { what: 'two thirds of the events' });
  for (const { client } of readers) client!.socket.terminate();
  for (const reader of readers) await reader.connect();

  const sent = await publishing;
  await until(() => all.items.length >= sent.length && one.items.length >= sent.length / USERS, {
    what: `all ${sent.length} events (there are ${all.items.length} and ${one.items.length})`,
  });
  for (const { client } of readers) client!.socket.close();
  assertOnceInOrder(all.items, sent);
  assertOnceInOrder(
    one.items,
    sent.filter((_, index) => index % USERS === 3),
  );
}
