/**
 * Delivery semantics: the same crash, kill -9 between the effect and the commit of the position, under each of the three.
 *
 *   npm run example delivery-semantics                      on a broker of its own
 *   npm run example delivery-semantics localhost:9092       on a Kafka
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { SqliteProjectionStore } from 'streamsocial/kit/projections/embedded/sqlite-store';
import { openGround, table } from '../ground.ts';
import type { ConsumerSpec } from './consumer.ts';

const ORDERS = Array.from({ length: 20 }, (_, n) => `order-${n + 1}`);
const CHUNK = 5;
/** In the middle of the second chunk. */
const CRASH_AT = 'order-8';

type Case = Pick<ConsumerSpec, 'semantics' | 'crash'> & { readonly steps: string };

const CASES: readonly Case[] = [
  { semantics: 'at most once', crash: 'after', steps: 'commit, crash, effect' },
  { semantics: 'at least once', crash: 'after', steps: 'effect, crash, commit' },
  { semantics: 'exactly once', crash: 'before', steps: 'crash, (effect and position)' },
  { semantics: 'exactly once', crash: 'after', steps: '(effect and position), crash' },
];

await using ground = await openGround();
const topic = await ground.createTopic('orders');
const producer = new HighVolumeProducer({ log: ground.log });
await Promise.all(ORDERS.map((order) => producer.send({ topic, key: order, value: Buffer.from('{}') })));
await producer.close();

/** Starts the consumer, and starts it again after the crash, as whatever supervises it would. */
async function charge({ semantics, crash, steps }: Case, n: number): Promise<(string | number)[]> {
  const { bootstrap, directory, sessionTimeoutMs } = ground;
  const path = join(directory, `charges-${n}`);
  const group = ground.name(`charges-${n}`);
  const spec = {
    semantics,
    crash,
    bootstrap,
    topic,
    group,
    path,
    orders: ORDERS.length,
    chunk: CHUNK,
    sessionTimeoutMs,
  };
  const deaths = [await run({ ...spec, crashAt: CRASH_AT }), await run({ ...spec, crashAt: null })];
  if (deaths.join() !== 'SIGKILL,0') throw new Error(`${semantics}: the consumer ended with ${deaths.join(' and ')}.`);
  const charges = semantics === 'exactly once' ? await chargesInProjection(path) : chargesInFile(path);
  const times = ORDERS.map((order) => charges.get(order) ?? 0);
  const count = (wanted: (charges: number) => boolean) => times.filter(wanted).length;
  return [semantics, steps, count((n) => n === 1), count((n) => n === 0), count((n) => n > 1)];
}

async function run(spec: ConsumerSpec): Promise<number | NodeJS.Signals> {
  const [code, signal] = await once(fork(new URL('./consumer.ts', import.meta.url), [JSON.stringify(spec)]), 'exit');
  return signal ?? code;
}

function chargesInFile(path: string): Map<string, number> {
  const lines = Map.groupBy(readFileSync(path, 'utf8').trimEnd().split('\n'), (order) => order);
  return new Map([...lines].map(([order, { length }]) => [order, length]));
}

async function chargesInProjection(path: string): Promise<Map<string, number>> {
  const store = await SqliteProjectionStore.open({ path, name: 'charges' });
  const documents = await Array.fromAsync(store.documents());
  await store.close();
  return new Map(documents.map(([order, { charges }]) => [order, Number(charges)]));
}

const rows = await Promise.all(CASES.map(charge));
console.log(`${ORDERS.length} orders are charged for, ${CHUNK} at a time.`);
console.log(`The process is killed with ${CRASH_AT} in hand, and started again.\n`);
console.log(table([['', '', 'charged once', 'lost', 'charged twice'], ...rows]));
