/**
 * Acknowledgements: what a producer knows with acks=0, 1 and all, when its broker is gone before or after it has written, and when
 * the broker refuses a record. Five records each time; a producer that is told of a failure tries again.
 *
 *   npm run example acks                      on a broker of its own, which can be made to fail
 *   npm run example acks localhost:9092       on a Kafka, without the faults
 */
import { isKitError } from 'streamsocial/kit/errors';
import type { AppendBatch, AppendResult, NewRecord, TopicPartition } from 'streamsocial/kit/log/event-log';
import { PlainProducer } from 'streamsocial/kit/log/kafka/plain-producer';
import type { Fault, Faults } from 'streamsocial/testing';
import { openGround, table, until } from '../ground.ts';

const RECORDS = 5;
const ATTEMPTS = 3;
const MARK = 'mark';
const ACKS = ['0', '1', 'all'] as const;

interface Scenario {
  readonly name: string;
  readonly config?: Readonly<Record<string, string>>;
  /** The last record, where it is another one than the others. */
  readonly last?: string;
  /** Struck by the last record. */
  readonly fault?: (faults: Faults, topic: string) => Fault;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'all is well' },
  { name: 'gone before it has written', fault: (faults, topic) => faults.disconnect('Produce', { topic, times: 1 }) },
  { name: 'gone before it has answered', fault: (faults, topic) => faults.dropAnswer('Produce', { topic, times: 1 }) },
  { name: 'refuses a record: too large', config: { 'max.message.bytes': '1000' }, last: 'x'.repeat(2_000) },
];

await using ground = await openGround();
const { log, broker, bootstrap } = ground;

/** acks=all is the kit's log: idempotent, so that a batch that comes twice is stored once. */
function appender(acks: (typeof ACKS)[number]): {
  append(batch: AppendBatch): Promise<AppendResult>;
  close(): Promise<void>;
} {
  if (acks === 'all') return { append: (batch) => log.append(batch), close: async () => {} };
  return new PlainProducer({ bootstrap: [bootstrap], acks: acks === '0' ? 0 : 1 });
}

async function observe({ name, config = {}, last, fault }: Scenario, acks: (typeof ACKS)[number], n: number) {
  const topic = await ground.createTopic(`acks-${acks}-${n}`, { partitions: 1, config });
  const at = { topic, partition: 0 };
  const end = async () => (await log.listOffsets([{ ...at, at: 'latest' }]))[0]!;
  const producer = appender(acks);

  const told: boolean[] = [];
  let planned: Fault | null = null;
  for (let i = 0; i < RECORDS; i++) {
    const isLast = i === RECORDS - 1;
    if (isLast && fault !== undefined) {
      await until('the records before the fault', async () => (await end()) === i);
      planned = fault(broker!.faults, topic);
    }
    const batch = { ...at, records: [recordOf(`${i}`, isLast && last !== undefined ? last : 'a record')] };
    told.push(await isStored(producer.append.bind(producer), batch));
  }
  // what is under way has come, or has met the fault; whatever is stored lies before this mark
  await producer.close();
  if (planned !== null) await until('the fault', () => planned.struck === 1);
  await log.append({ ...at, records: [recordOf(MARK, '')] });
  const times = await timesStored(at);

  const count = (wanted: (isTold: boolean, stored: number) => boolean) =>
    told.filter((isTold, i) => wanted(isTold, times.get(`${i}`) ?? 0)).length;
  return [
    name,
    acks,
    count((isTold) => isTold),
    count((_, stored) => stored > 0),
    count((isTold, stored) => isTold && stored === 0),
    count((_, stored) => stored > 1),
  ];
}

/** By key, up to the mark. */
async function timesStored(at: TopicPartition): Promise<Map<string, number>> {
  const stored = new Map<string, number>();
  for (let offset = 0; ; ) {
    const { records } = await log.read({ ...at, offset, maxWaitMs: 1_000 });
    for (const record of records) {
      const key = record.key!.toString();
      if (key === MARK) return stored;
      stored.set(key, (stored.get(key) ?? 0) + 1);
      offset = record.offset + 1;
    }
  }
}

function recordOf(key: string, value: string): NewRecord {
  return { key: Buffer.from(key), value: Buffer.from(value), headers: [], timestamp: Date.now() };
}

/** What the producer is told, after so many attempts. */
async function isStored(append: (batch: AppendBatch) => Promise<AppendResult>, batch: AppendBatch): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      await append(batch);
      return true;
    } catch (error) {
      if (!isKitError(error)) throw error;
      if (!error.retriable) return false;
    }
  }
  return false;
}

const rows: (string | number)[][] = [];
for (const [n, scenario] of SCENARIOS.entries()) {
  // a broker of others is not ours to break
  if (scenario.fault !== undefined && broker === null) continue;
  for (const acks of ACKS) rows.push(await observe(scenario, acks, n));
}
console.log(table([['', 'acks', 'told: stored', 'in the log', 'lost unnoticed', 'stored twice'], ...rows]));
console.log(`
One broker is its partitions' only replica: acks=1 and acks=all wait for the same. What sets them apart here is that the producer
with acks=all numbers its batches. On three brokers, acks=1 also loses what its leader had not passed on when it died.`);
