import { createConnection, createServer } from 'node:net';
import { isKitError, KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import { portOwner } from './port-owner.ts';
import { LOOPBACK } from './server-properties.ts';
import { waitUntil } from './supervisor.ts';

/** @throws KitError PORT_IN_USE, with `pid` and `command` of its owner where they can be read */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer();
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  if (failure === undefined) return;
  if (failure.code !== 'EADDRINUSE') throw failure;
  const owner = await portOwner(port);
  const by = owner === undefined ? 'another process' : `pid ${owner.pid} (${owner.command})`;
  throw new KitError('PORT_IN_USE', `port ${port} on ${LOOPBACK} is in use by ${by}`, { details: { port, ...owner } });
}

/** Node ids of the registered, unfenced brokers as the one on this port sees them; null when it does not answer. */
export async function kafkaView(port: number, host = LOOPBACK): Promise<readonly number[] | null> {
  const log = await connect(port, host);
  try {
    return (await log.describe([])).brokers.map(({ id }) => id);
  } catch {
    return null;
  } finally {
    await log.close();
  }
}

/** Topics that clients do not see in a list. */
const INTERNAL_TOPICS = ['__consumer_offsets', '__transaction_state'];

/** Resolves when this broker (Redis: at once) is in the ISR of every partition it has a replica of. @throws KitError ISR_NOT_FULL */
export async function untilInSync(
  broker: { name: string; host: string; port: number; nodeId: number | null },
  timeoutMs: number,
): Promise<void> {
  const { name, host, port, nodeId } = broker;
  if (nodeId === null) return;
  let behind = -1;
  const inSync = async (): Promise<boolean> => {
    behind = await partitionsBehind(host, port, nodeId).catch(() => -1);
    return behind === 0;
  };
  if (await waitUntil(inSync, timeoutMs, 200)) return;
  const count = behind < 0 ? '' : ` in ${behind} partitions`;
  throw new KitError('ISR_NOT_FULL', `${name} is not in sync${count} after ${timeoutMs / 1000} s`, {
    retriable: true,
    details: { server: name, partitions: behind },
  });
}

async function partitionsBehind(host: string, port: number, nodeId: number): Promise<number> {
  const log = await connect(port, host);
  try {
    const { topics } = await log.describe();
    const internal = await Promise.all(INTERNAL_TOPICS.map((name) => log.describe([name]).catch(ignoreUnknown)));
    const partitions = [...topics, ...internal.flatMap((found) => found?.topics ?? [])].flatMap(
      (topic) => topic.partitions,
    );
    return partitions.filter(({ replicas, isr }) => replicas.includes(nodeId) && !isr.includes(nodeId)).length;
  } finally {
    await log.close();
  }
}

function ignoreUnknown(error: unknown): undefined {
  if (!isKitError(error, 'UNKNOWN_TOPIC')) throw error;
}

async function connect(port: number, host: string): Promise<EventLog> {
  const { KafkaLog } = await import('../kit/log/kafka/kafka-log.ts');
  return KafkaLog.connect({ bootstrap: [`${host}:${port}`], clientId: 'cluster', requestTimeoutMs: 1_000 });
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
