/** Kafka Streams against the embedded log: word count, at least once, with its internal topics. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { launchWordCount, streamsClassPath } from '../../support/kafka-streams.ts';
import type { Program } from '../../support/programs.ts';
import { patiently } from '../../support/programs.ts';
import { missing } from '../../support/requirements.ts';
import { type ServedLog, serveLog } from '../../support/served-log.ts';
import { appendTexts } from '../../support/wire-records.ts';

const APPLICATION = 'word-count';
const INPUT = 'lines';
const OUTPUT = 'words';

describe('Kafka Streams', { skip: missing(...KAFKA_COMPONENTS, 'javac') ?? false, timeout: 300_000 }, () => {
  let served: ServedLog;
  before(async () => {
    await streamsClassPath();
    served = await serveLog();
    await served.log.createTopics([
      { name: INPUT, partitions: 2 },
      { name: OUTPUT, partitions: 1 },
    ]);
  });
  after(async () => {
    await served.close();
    assert.deepEqual(served.complaints, [], 'the broker found nothing to complain of');
  });

  const wordCount = (t: TestContext, run: number): Promise<Program> =>
    launchWordCount(t, join(served.directory, `streams-${run}.properties`), {
      'application.id': APPLICATION,
      'bootstrap.servers': served.bootstrap,
      // each run without what the one before it had on disk
      'state.dir': join(served.directory, `streams-${run}`),
      'commit.interval.ms': '100',
      // Streams does not leave its group: without a name, the next run would have to wait until the session has ended
      'group.instance.id': 'counter',
      'statestore.cache.max.bytes': '0',
      'dsl.store.suppliers.class': 'org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers',
    });

  /** The last count of each word. */
  async function counts(): Promise<Record<string, number>> {
    const at = { topic: OUTPUT, partition: 0 };
    const { end } = served.log.store.offsets(at);
    const result: Record<string, number> = {};
    for (let offset = 0; offset < end; ) {
      const { records } = await served.log.read({ ...at, offset });
      for (const { key, value } of records) result[key!.toString()] = Number(value!.readBigInt64BE());
      offset = records.at(-1)!.offset + 1;
    }
    return result;
  }
  const counted = (program: Program, expected: Record<string, number>) =>
    patiently(
      async () => {
        try {
          assert.deepEqual({ ...(await counts()) }, expected);
          return true;
        } catch {
          return false;
        }
      },
      { what: 'the counts' },
    ).catch((error) => {
      throw new Error(`${error.message}\n${program.output()}`);
    });

  test('word count counts, and goes on from its changelog', async (t) => {
    await appendTexts(served.log, { topic: INPUT, partition: 0 }, ['all streams lead to kafka', 'hello kafka streams']);
    await appendTexts(served.log, { topic: INPUT, partition: 1 }, ['join kafka summit']);
    const first = await wordCount(t, 1);
    await counted(first, { all: 1, streams: 2, lead: 1, to: 1, kafka: 3, hello: 1, join: 1, summit: 1 });
    const topics = served.log.store.topics();
    const changelog = topics.find(({ name }) => name === `${APPLICATION}-counts-changelog`);
    assert.equal(changelog?.partitions, 2);
    assert.equal(changelog.config['cleanup.policy'], 'compact');
    assert.equal(topics.find(({ name }) => name === `${APPLICATION}-by-word-repartition`)?.partitions, 2);
    await first.end('SIGTERM');

    await appendTexts(served.log, { topic: INPUT, partition: 1 }, ['kafka again']);
    const second = await wordCount(t, 2);
    await counted(second, { all: 1, streams: 2, lead: 1, to: 1, kafka: 4, hello: 1, join: 1, summit: 1, again: 1 });
    await second.end('SIGTERM');
  });
});
