/**
 * From the call that publishes an event to its frame at a WebSocket client: `up` on the embedded log in a process of its own,
 * 1,000 events a second over `POST /api/v1/events`, ten a request, for 20 s; beside it in the same run the long poll of
 * `GET /api/v1/events`, as a ratio. `node benchmarks/publish-to-screen.ts [seconds] [watching clients besides]`.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../src/api/stream-protocol.ts';
import { until } from '../test/support/until.ts';
import { ascending, quantile, withDirectory } from './support.ts';

const seconds = Number(process.argv[2] ?? 20);
const watching = Number(process.argv[3] ?? 0);
const RATE_PER_SECOND = 1_000;
const TOPIC = 'content-interactions';
const BATCH = 10;
const WARM_UP_EVENTS = 1_000;
const main = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

await withDirectory(async (directory) => {
  const server = spawn(
    process.execPath,
    [main, 'up', '--no-demo', '--web-port', '0', '--broker-port', '0', '--data-dir', directory],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => server.on('close', resolve));
  try {
    const url = await until(async () => {
      const text = await readFile(join(directory, 'server.json'), 'utf8').catch(() => 'null');
      return (JSON.parse(text) as { url: string } | null)?.url;
    });
    await until(async () => (await fetch(`${url}/readyz`)).ok);
    for (let n = 0; n < watching; n++) await openStream(url, () => {});
    await measured(url, 'warming up', WARM_UP_EVENTS / RATE_PER_SECOND, openStream);
    const pushed = await measured(
      url,
      `WebSocket${watching > 0 ? `, ${watching} others watching` : ''}`,
      seconds,
      openStream,
    );
    const polled = await measured(url, 'long poll', seconds, openPoll);
    console.log(`ratio of p99, WebSocket to long poll: ${(pushed / polled).toFixed(2)}`);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

type Seen = (n: number) => void;
type Open = (url: string, seen: Seen) => Promise<() => Promise<void>>;

/** The p99 in ms. */
async function measured(url: string, what: string, forSeconds: number, open: Open): Promise<number> {
  const total = forSeconds * RATE_PER_SECOND;
  const calledAt = new Float64Array(total);
  const acknowledgedAt = new Float64Array(total);
  const seenAt = new Float64Array(total);
  let seen = 0;
  const run = `${what}-${Date.now()}`;
  const close = await open(url, (n) => {
    seenAt[n] = performance.now();
    seen++;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const startedAt = performance.now();
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * RATE_PER_SECOND) / 1_000));
    for (; n + BATCH <= due; n += BATCH) {
      const at = performance.now();
      calledAt.fill(at, n, n + BATCH);
      publish(agent, url, run, n, () => acknowledgedAt.fill(performance.now(), n, n + BATCH));
    }
    await delay(1);
  }
  const tookMs = performance.now() - startedAt;
  await until(() => seen === total, { timeoutMs: 30_000, what: `${total} events (${seen} seen)` });
  await close();
  agent.destroy();
  // an event may be seen before its acknowledgement, or without it
  const since = (from: Float64Array) => ascending(Array.from(seenAt, (at, n) => Math.max(0, at - (from[n]! || at))));
  const [latencies, ownShare] = [since(calledAt), since(acknowledgedAt)];
  const at = (q: number, of = latencies) => `${quantile(of, q).toFixed(1)} ms`;
  console.log(
    `${what}: ${total} events at ${Math.round((total * 1_000) / tookMs)}/s, p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}; ` +
      `after their acknowledgement p50 ${at(0.5, ownShare)}, p99 ${at(0.99, ownShare)}`,
  );
  return quantile(latencies, 0.99);
}

function publish(agent: Agent, url: string, run: string, n: number, acknowledged: () => void): void {
  const body = JSON.stringify(
    Array.from({ length: BATCH }, (_, index) => ({
      event_type: 'post_liked',
      user_id: `u_${(n + index) % 100}`,
      content_id: `post_${(n + index) % 997}`,
      data: { n: n + index, run },
    })),
  );
  const sent = request(
    `${url}/api/v1/events`,
    { agent, method: 'POST', headers: { 'content-type': 'application/json' } },
    (response) => {
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
      response.resume();
      acknowledged();
    },
  );
  sent.end(body);
}

async function openStream(url: string, seen: Seen): Promise<() => Promise<void>> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/stream`, [SUBPROTOCOL]);
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(JSON.stringify({ type: 'subscribe', id: 's', topics: [TOPIC] }));
  const ready = Promise.withResolvers<void>();
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as { type: string; events?: { event: { data: { n: number } } }[] };
    if (frame.type === 'caught-up') ready.resolve();
    for (const { event } of frame.events ?? []) seen(event.data.n);
  });
  await ready.promise;
  return async () => socket.close();
}

async function openPoll(url: string, seen: Seen): Promise<() => Promise<void>> {
  let isOpen = true;
  const ask = async (query: string) =>
    (await (await fetch(`${url}/api/v1/events?topic=${TOPIC}&max=1000&${query}`)).json()) as {
      records: { value: string }[];
      positions: string;
    };
  let { positions } = await ask('offset=latest');
  const polling = (async () => {
    while (isOpen) {
      const page = await ask(`positions=${positions}&wait_ms=1000`);
      for (const { value } of page.records) seen((JSON.parse(value) as { n: number }).n);
      positions = page.positions;
    }
  })();
  return async () => {
    isOpen = false;
    await polling;
  };
}
