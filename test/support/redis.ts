import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../src/cluster/free-ports.ts';
import { requireComponent } from './requirements.ts';

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts a server on the same port and directory again. */
  restart(): Promise<void>;
}

/** A Redis of the test's own, gone with the test; undefined (and the test skipped) where none is installed. */
export async function startRedis(t: TestContext): Promise<RedisServer | undefined> {
  if (!requireComponent(t, 'redis-server')) return undefined;
  const server = await launchRedis();
  t.after(() => server.stop());
  return server;
}

export async function launchRedis(): Promise<RedisServer & { stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-redis-'));
  const port = await freePort();
  let child = await spawnRedis(port, directory);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    host: '127.0.0.1',
    port,
    get pid() {
      return child.pid!;
    },
    kill,
    async restart() {
      await kill();
      child = await spawnRedis(port, directory);
    },
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function spawnRedis(port: number, directory: string): Promise<ChildProcess> {
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const child = spawn('redis-server', settings, { stdio: 'ignore' });
  await once(child, 'spawn');
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
  });
  redis.on('error', () => undefined);
  try {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (child.exitCode !== null) throw new Error(`redis-server on port ${port} ended with ${child.exitCode}`);
      const answer = await redis.connect().then(
        () => redis.ping(),
        () => undefined,
      );
      if (answer === 'PONG') return child;
      await delay(25);
    }
    child.kill('SIGKILL');
    throw new Error(`redis-server on port ${port} did not answer within 5 s`);
  } finally {
    redis.disconnect();
  }
}
