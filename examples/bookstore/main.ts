/**
 * The bookstore: one event, three reactions that know nothing of each other, each a consumer group of one or more processes.
 *
 *   npm run example bookstore                      on a broker of its own
 *   npm run example bookstore localhost:9092       on a Kafka
 */
import { isDeepStrictEqual } from 'node:util';
import { CATALOG } from 'streamsocial/domains/bookstore/catalog';
import { stockOf } from 'streamsocial/domains/bookstore/inventory';
import { BOOKSTORE_TOPICS, ORDER_PLACED } from 'streamsocial/domains/bookstore/topics';
import { DeadLetterQueue } from 'streamsocial/kit/dlq/dead-letter-queue';
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { openGround, table, until } from '../ground.ts';
import { Group } from './group.ts';
import { copiesInLog, Shop } from './shop.ts';

await using ground = await openGround();
await using opened = new AsyncDisposableStack();
const { log } = ground;
const [spec] = BOOKSTORE_TOPICS;
const partitions = spec!.partitions;
const topic = await ground.createTopic(ORDER_PLACED, spec);
const producer = opened.adopt(new HighVolumeProducer({ log }), (open) => open.close());
const shop = new Shop(producer, topic);

async function start(
  ...args: [reaction: 'inventory' | 'notification' | 'analytics', processes: number, name?: string]
) {
  return opened.adopt(await Group.start(ground, topic, ...args), (open) => open.stop());
}

console.log('1. Publish-subscribe: every group reads every order');
const inventory = await start('inventory', 2);
const notification = await start('notification', 1);
const analytics = await start('analytics', 1);
const groups = [inventory, notification, analytics];
await Promise.all(groups.map((group) => group.balanced(partitions)));
await shop.placeAll(0, 60);
await shop.placeAll(0, 60);
await Promise.all(groups.map((group) => group.settled(60)));
const rows = groups.map(async (one) => [one.name, one.members.length, (await one.tallies()).applied]);
console.log(indented(table([['group', 'processes', 'orders'], ...(await Promise.all(rows))])));

console.log('\n2. Queue: the processes of a group share the partitions, so that one of them gets an order');
const [first, second] = inventory.members;
const handled = () => first!.handled + second!.handled;
await until('both to have told what they have done', () => handled() >= 60);
const shares = await inventory.balanced(partitions);
console.log(`   partitions: ${shares.sort((a, b) => b - a).join(' + ')}`);
console.log(`   orders handled by both together: ${handled()} of 60`);

console.log('\n3. A crash: kill -9 of the first inventory process while orders come in');
for (let n = 60; n < 360; n++) {
  if (n === 160) void first!.kill();
  await shop.place(n);
}
await inventory.settled(360);
const [left] = await inventory.balanced(partitions);
const copies = (await Array.fromAsync(inventory.store.documents())).map(([, { ordered }]) => Number(ordered));
console.log(`   partitions of the second process: ${left}`);
console.log(`   orders counted: ${(await inventory.tallies()).applied} of 360`);
console.log(`   copies ordered, by the log: ${await copiesInLog(log, topic)}, by inventory: ${sum(copies)}`);

console.log('\n4. Poison: a record that is no order, and 40 orders behind it');
await producer.send({ topic, key: 'order-360', value: Buffer.from('two of Dracula please') });
await shop.placeAll(360, 400);
await Promise.all(groups.map((group) => group.settled(401)));
const deadLetters = new DeadLetterQueue({ log, sender: producer });
const { entries } = await deadLetters.list({ topic });
for (const { group, code } of entries.toSorted((a, b) => (a.group < b.group ? -1 : 1)))
  console.log(`   dead letter of ${group.replace(ground.name(''), '')}: ${code}`);
console.log(`   orders counted by analytics: ${(await analytics.tallies()).applied} of 400`);

console.log('\n5. A group that comes late reads from the beginning');
const late = await start('analytics', 1, 'analytics-again');
await late.settled(401);
const [once, again] = await Promise.all([analytics, late].map(({ store }) => Array.fromAsync(store.documents())));
console.log(`   its documents and those of analytics are equal: ${isDeepStrictEqual(once, again)}`);

console.log('\nWhat the reactions know');
const stock = [...CATALOG.values()].map(async (book) => {
  const { on_hand, short } = stockOf(book, await inventory.store.get(book.isbn));
  const { copies, revenue_cents } = (await analytics.store.get(`title/${book.isbn}`))!;
  return [book.title, copies!, (Number(revenue_cents) / 100).toFixed(2), on_hand, short];
});
console.log(indented(table([['', 'copies', 'revenue', 'on hand', 'short'], ...(await Promise.all(stock))])));
const inbox = (await notification.store.get('customer-7'))!;
console.log(`\n   to customer-7, at ${inbox['order-399']}`);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '   ');
}
