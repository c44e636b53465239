import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import { type LivePlatform, platformForTests } from '../support/live-platform.ts';
import { until } from '../support/until.ts';

/** From now on the log does not answer whoever reads this topic, but for who gives up. @returns how many wait */
function holdReads(log: EventLog, held: string): () => number {
  const read = log.read.bind(log);
  let waiting = 0;
  log.read = async (request) => {
    if (request.topic !== held) return await read(request);
    waiting++;
    try {
      return await new Promise<never>((_, reject) => {
        const { signal } = request;
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    } finally {
      waiting--;
    }
  };
  return () => waiting;
}

async function withRecords({ platform: { log, topics } }: LivePlatform, name: string): Promise<void> {
  await topics.ensure([{ name, partitions: 1 }]);
  const records = Array.from({ length: 10 }, (_, at) => ({
    key: Buffer.from(`key-${at}`),
    value: Buffer.from('{}'),
    headers: [],
    timestamp: Date.now(),
  }));
  await log.append({ topic: name, partition: 0, records });
}

test('a client that goes gives its turn at reading back, and is no failure of this server', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
  const live = await platformForTests(t, { pages: false, api: { logger } });
  await withRecords(live, 'held');
  await withRecords(live, 'read');
  const waiting = holdReads(live.platform.log, 'held');

  for (const [path, turns] of [
    ['records', 4],
    ['keys', 2],
  ] as const) {
    const page = new AbortController();
    const asked = Array.from({ length: turns }, () =>
      fetch(`${live.url}/api/v1/topics/held/${path}`, { signal: page.signal }),
    );
    await until(async () => waiting() === turns);
    page.abort();
    await Promise.allSettled(asked);
    const answer = await fetch(`${live.url}/api/v1/topics/read/${path}`, { signal: AbortSignal.timeout(5_000) });
    assert.equal(answer.status, 200, path);
    await until(async () => waiting() === 0);
  }
  assert.deepEqual(lines, []);
});

test('who waits for a scan when the server stops is told so', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
  const live = await platformForTests(t, { pages: false, api: { logger } });
  await withRecords(live, 'held');
  const waiting = holdReads(live.platform.log, 'held');
  const asked = ['records', 'keys'].map(async (path) => {
    const answer = await fetch(`${live.url}/api/v1/topics/held/${path}`);
    return [answer.status, ((await answer.json()) as { code: string }).code];
  });
  await until(async () => waiting() === 2);
  await live.stop();
  assert.deepEqual(await Promise.all(asked), [
    [503, 'SHUTTING_DOWN'],
    [503, 'SHUTTING_DOWN'],
  ]);
  assert.deepEqual(lines, []);
});
