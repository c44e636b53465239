import { createConnection, createServer } from 'node:net';
import { KitError } from '../kit/errors.ts';
import { KafkaLog } from '../kit/log/kafka/kafka-log.ts';

export const LOOPBACK = '127.0.0.1';

/** @throws KitError PORT_IN_USE */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new KitError('PORT_IN_USE', `port ${port} on ${LOOPBACK} is in use by another process`, {
              details: { port },
            })
          : cause,
      ),
    );
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve()));
  });
}

/** Whether the broker on this port answers Metadata and sees `brokers` live brokers. */
export async function kafkaAnswers(port: number, brokers: number): Promise<boolean> {
  const log = await KafkaLog.connect({
    bootstrap: [`${LOOPBACK}:${port}`],
    clientId: 'cluster',
    requestTimeoutMs: 1_000,
  });
  try {
    return (await log.describe()).brokers.length >= brokers;
  } catch {
    return false;
  } finally {
    await log.close();
  }
}

/** Whether a Redis on this port answers PING. */
export async function redisAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: LOOPBACK });
    const answer = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('data', (data) => answer(data.toString().startsWith('+PONG')));
    socket.once('connect', () => socket.write('PING\r\n'));
  });
}
