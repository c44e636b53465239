import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { KitError } from '../kit/errors.ts';
import { CONTROLLER_PORT_DISTANCE } from './server-properties.ts';

/** Below the ports that Linux gives to outgoing connections. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 100;

/** The first of `brokers` ports that are free together with those 100 and 200 further up. @throws KitError NO_FREE_PORT */
export function freeBasePort(brokers: number): Promise<number> {
  return find((base) =>
    Array.from({ length: brokers }, (_, i) => [0, 1, 2].map((n) => base + i + n * CONTROLLER_PORT_DISTANCE)).flat(),
  );
}

/** @throws KitError NO_FREE_PORT */
export function freePort(): Promise<number> {
  return find((port) => [port]);
}

async function find(portsAt: (base: number) => readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const base = randomInt(LOWEST, HIGHEST);
    if ((await Promise.all(portsAt(base).map(isFree))).every(Boolean)) return base;
  }
  throw new KitError('NO_FREE_PORT', `found no free ports between ${LOWEST} and ${HIGHEST} on the loopback`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
