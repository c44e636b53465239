/**
 * Event notification and event-carried state transfer, side by side: the same reaction to the same orders, and what each costs.
 *
 *   npm run example event-notification-versus-state-transfer                      on a broker of its own
 *   npm run example event-notification-versus-state-transfer localhost:9092       on a Kafka
 */
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { openGround, table } from '../ground.ts';
import { askingBack, type Changed, fromCopy, keepCopy, type Order, type Running, react } from './labels.ts';
import { Services } from './services.ts';

const PATIENCE_MS = 60_000;
const NAMES = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Frances'];
const TITLES = ['Moby-Dick', 'Dracula', 'Frankenstein', 'Emma'];

await using ground = await openGround();
await using opened = new AsyncDisposableStack();
const services = opened.adopt(new Services(), (open) => open.stop());
await services.start();
const producer = opened.adopt(new HighVolumeProducer({ log: ground.log }), (open) => open.close());
const orders = await ground.createTopic('orders');
// compacted: of each customer and book the latest state stays in the log, for whoever makes a copy later
const changes = await ground.createTopic('changes', { partitions: 1, config: { 'cleanup.policy': 'compact' } });

async function start<E extends { id: string }>(
  ...args: [name: string, topic: string, handler: Parameters<typeof react<E>>[4]]
) {
  return opened.adopt(await react<E>(ground, producer, ...args), async ({ consumer, store }) => {
    await consumer.stop();
    await store.close();
  });
}

async function publishChange(change: Changed): Promise<void> {
  await producer.send({ topic: changes, key: change.id, value: Buffer.from(JSON.stringify(change)) });
}

let placed = 0;
async function place(count: number): Promise<void> {
  for (let n = placed; n < placed + count; n++) {
    const order: Order = { id: `order-${n}`, customer: `${n % NAMES.length}`, book: `${n % TITLES.length}` };
    await producer.send({ topic: orders, key: order.id, value: Buffer.from(JSON.stringify(order)) });
  }
  placed += count;
}

for (const [id, name] of NAMES.entries()) {
  const customer = { name, address: `${id + 1} Elm Street` };
  services.customers.set(`${id}`, customer);
  await publishChange({ id: `customer/${id}`, version: 1, state: customer });
}
for (const [id, title] of TITLES.entries()) {
  services.books.set(`${id}`, { title });
  await publishChange({ id: `book/${id}`, version: 1, state: { title } });
}

const copy = await start<Changed>('copy', changes, keepCopy);
await copy.consumer.caughtUp(PATIENCE_MS);
const labelsOf = async ({ store }: Running) => (await Array.fromAsync(store.documents())).length;
const addressOn = async ({ store }: Running, order: number) =>
  String((await store.get(`order-${order}`))!.label).replace(/^.*, /, '');
const bothCaughtUp = () => Promise.all([asking, carried].map(({ consumer }) => consumer.caughtUp(PATIENCE_MS)));

await place(30);
const asking = await start<Order>('asking-back', orders, askingBack(services));
await asking.consumer.caughtUp(PATIENCE_MS);
const callsOfAsking = services.calls;
const carried = await start<Order>('from-copy', orders, fromCopy(copy.store));
await carried.consumer.caughtUp(PATIENCE_MS);
const rows: (string | number)[][] = [
  ['', 'notification', 'state transfer'],
  ['30 orders: labels', await labelsOf(asking), await labelsOf(carried)],
  ['  calls to the services', callsOfAsking, services.calls - callsOfAsking],
  ['  events read for a copy', '-', copy.consumer.metrics().messages_processed],
  ['  documents in the copy', '-', await labelsOf(copy)],
];

await services.stop();
await place(10);
await carried.consumer.caughtUp(PATIENCE_MS);
rows.push([
  '10 more while the services are down: labels',
  (await labelsOf(asking)) - 30,
  (await labelsOf(carried)) - 30,
]);
await services.start();
await bothCaughtUp();
rows.push(['  and when they are up again', (await labelsOf(asking)) - 30, (await labelsOf(carried)) - 30]);

const moved = { name: NAMES[4]!, address: '9 Oak Lane' };
services.customers.set('4', moved);
await place(6);
await bothCaughtUp();
rows.push(['Alan moves to 9 Oak Lane, orders: label', await addressOn(asking, 40), await addressOn(carried, 40)]);
await publishChange({ id: 'customer/4', version: 2, state: moved });
await copy.consumer.caughtUp(PATIENCE_MS);
await place(6);
await bothCaughtUp();
rows.push(['  and orders again, after the event of it', await addressOn(asking, 46), await addressOn(carried, 46)]);

const before = services.calls;
const askingAgain = await start<Order>('asking-again', orders, askingBack(services));
await askingAgain.consumer.caughtUp(PATIENCE_MS);
const calls = services.calls - before;
const carriedAgain = await start<Order>('from-copy-again', orders, fromCopy(copy.store));
await carriedAgain.consumer.caughtUp(PATIENCE_MS);
rows.push([`all ${placed} labels made anew: calls`, calls, services.calls - before - calls]);
console.log(table(rows));
