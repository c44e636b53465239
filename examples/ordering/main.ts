/**
 * Ordering, with and without a key: a log keeps the order of a partition, and the key decides the partition.
 *
 *   npm run example ordering                      on a broker of its own
 *   npm run example ordering localhost:9092       on a Kafka
 */
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { openGround, table } from '../ground.ts';

const PARTITIONS = [0, 1, 2];
const ORDERS = Array.from({ length: 40 }, (_, n) => `order-${n + 1}`);
const STATUSES = ['placed', 'paid', 'packed', 'shipped', 'delivered'];

await using ground = await openGround();
const { log } = ground;

/** Every order goes through its statuses, all orders side by side. */
async function publish(topic: string, keyOf: (order: string) => string | null): Promise<void> {
  // without a key the producer takes the next partition for the next batch; here it begins with the second one
  const producer = new HighVolumeProducer({ log, random: () => 0 });
  for (const status of STATUSES) {
    for (const order of ORDERS) {
      const value = Buffer.from(JSON.stringify({ order, status }));
      await producer.send({ topic, key: keyOf(order), value });
    }
  }
  await producer.close();
}

/** As a consumer that catches up sees them: each partition in its order, one partition after the other. */
async function* read(topic: string) {
  for (const partition of PARTITIONS) {
    const [end] = await log.listOffsets([{ topic, partition, at: 'latest' }]);
    let offset = 0;
    while (offset < end!) {
      const { records } = await log.read({ topic, partition, offset, maxWaitMs: 1_000 });
      for (const record of records) {
        offset = record.offset + 1;
        yield { partition, ...(JSON.parse(record.value!.toString()) as { order: string; status: string }) };
      }
    }
  }
}

async function observe(topic: string): Promise<(string | number)[]> {
  const seen = new Map<string, { latest: number; last: string; partitions: Set<number> }>();
  const sizes = PARTITIONS.map(() => 0);
  let events = 0;
  let inversions = 0;
  for await (const { partition, order, status } of read(topic)) {
    const before = seen.get(order) ?? { latest: -1, last: '', partitions: new Set() };
    const step = STATUSES.indexOf(status);
    if (step < before.latest) inversions++;
    before.partitions.add(partition);
    seen.set(order, { ...before, latest: Math.max(before.latest, step), last: status });
    sizes[partition]!++;
    events++;
  }
  const orders = [...seen.values()];
  const together = orders.filter(({ partitions }) => partitions.size === 1).length;
  const wrong = orders.filter(({ last }) => last !== 'delivered').length;
  return [events, sizes.join(' + '), together, inversions, wrong];
}

const withKey = await ground.createTopic('order-status-keyed', { partitions: PARTITIONS.length });
const withoutKey = await ground.createTopic('order-status', { partitions: PARTITIONS.length });
await publish(withKey, (order) => order);
await publish(withoutKey, () => null);

const columns = [await observe(withKey), await observe(withoutKey)];
const names = [
  'events',
  'in the partitions',
  'orders that lie in one partition',
  'events that came after a later one of their order',
  'orders whose last status is not "delivered"',
];
console.log(`${ORDERS.length} orders, each ${STATUSES.join(', ')}; ${PARTITIONS.length} partitions\n`);
console.log(
  table([['', 'key = order', 'no key'], ...names.map((name, row) => [name, ...columns.map((column) => column[row]!)])]),
);
