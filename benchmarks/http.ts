/**
 * `POST /api/v1/events`, one event a request, 64 keep-alive connections, on the embedded log; beside it in the same run an
 * endpoint of the same server that does nothing (`/livez`), as a ratio. `node benchmarks/http.ts [requests]` (default 30,000).
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../test/support/until.ts';
import { ascending, concurrently, perSecond, quantile, rate, withDirectory } from './support.ts';

const requests = Number(process.argv[2] ?? 30_000);
const CONNECTIONS = 64;
const main = fileURLToPath(new URL('../bin/streamsocial.mjs', import.meta.url));

await withDirectory(async (directory) => {
  const startedAt = performance.now();
  const server = spawn(
    process.execPath,
    [main, 'up', '--no-demo', '--web-port', '0', '--broker-port', '0', '--data-dir', directory],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => server.on('close', resolve));
  try {
    const url = await until(
      async () =>
        (
          JSON.parse(await readFile(join(directory, 'server.json'), 'utf8').catch(() => 'null')) as {
            url: string;
          } | null
        )?.url,
      { everyMs: 5 },
    );
    await until(async () => (await fetch(`${url}/readyz`)).ok, { everyMs: 5 });
    console.log(`start to ready: ${Math.round(performance.now() - startedAt)} ms`);
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const measure = async (count: number, path: string, body?: (index: number) => string) => {
      const latencies: number[] = [];
      const begun = performance.now();
      await concurrently(count, CONNECTIONS, async (index) => {
        const at = performance.now();
        await call(agent, `${url}${path}`, body?.(index));
        latencies.push(performance.now() - at);
      });
      return { rate: rate(count, performance.now() - begun), latencies: ascending(latencies) };
    };
    const like = (index: number) =>
      JSON.stringify({
        event_type: 'post_liked',
        user_id: `u_${index}`,
        content_id: `post_${index % 997}`,
        timestamp: new Date().toISOString(),
      });
    await measure(3_000, '/api/v1/events', like);
    const nothing = await measure(requests, '/livez');
    const publish = await measure(requests, '/api/v1/events', like);
    console.log(
      `publish: ${perSecond(publish.rate)}, p50 ${quantile(publish.latencies, 0.5).toFixed(1)} ms, p99 ${quantile(publish.latencies, 0.99).toFixed(1)} ms`,
    );
    console.log(
      `/livez:  ${perSecond(nothing.rate)}; ratio ${(publish.rate / nothing.rate).toFixed(2)} (server and load share the machine)`,
    );
    agent.destroy();
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
});

function call(agent: Agent, url: string, body?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      },
      (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode! < 300 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
