import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePort } from '../../src/cluster/free-ports.ts';
import { EmbeddedLog } from '../../src/kit/log/embedded/embedded-log.ts';
import { KafkaLog } from '../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { JavaTools } from '../support/java-tools.ts';
import { missing } from '../support/requirements.ts';
import { dataDirectory, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

const TOPIC = 'numbers';
const PARTITIONS = 6;
const RECORDS = 400_000;
const KILL_AT = [60_000, 200_000];

describe("kill -9 under Java's idempotent producer", { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  it('leaves every acknowledged record in the log once, in order', async (t) => {
    const directory = await dataDirectory(t);
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const start = () => up(t, directory, ['--no-demo', '--broker-port', String(port)]);
    let server = await start();
    const log = await KafkaLog.connect({ bootstrap: [address] });
    t.after(() => log.close());
    await log.createTopics([{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 }]);

    const tools = await JavaTools.open(address);
    const producing = tools.run(t, 'kafka-producer-perf-test', [
      ...['--topic', TOPIC, '--num-records', String(RECORDS), '--payload-monotonic', '--throughput', '-1'],
      ...[
        '--producer-props',
        `bootstrap.servers=${address}`,
        'acks=all',
        'enable.idempotence=true',
        'retry.backoff.ms=50',
      ],
    ]);
    for (const count of KILL_AT) {
      await until(async () => (await records(log)) >= count, {
        timeoutMs: 60_000,
        everyMs: 5,
        what: `${count} records`,
      });
      await server.end('SIGKILL');
      server = await start();
    }
    const { stdout, stderr } = await producing;
    // where a record fails for good, the tool prints its exception's trace; the warnings of its client are no such thing
    assert.doesNotMatch(stdout + stderr, /^\S*Exception/m);
    assert.match(stdout, new RegExp(`^${RECORDS} records sent`, 'm'));
    assert.equal(await server.end('SIGTERM'), 0);

    const numbers = await readNumbers(join(directory, 'log'));
    for (const each of numbers)
      assert.ok(
        each.every((number, i) => i === 0 || number > each[i - 1]!),
        'out of order',
      );
    const all = numbers.flat();
    assert.equal(all.length, RECORDS);
    assert.equal(new Set(all).size, RECORDS);
  });
});

async function records(log: KafkaLog): Promise<number> {
  const at = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition, at: 'latest' as const }));
  const ends = await log.listOffsets(at).catch(() => []);
  return ends.reduce((sum, end) => sum + end, 0);
}

async function readNumbers(directory: string): Promise<number[][]> {
  const log = await EmbeddedLog.open({ directory });
  try {
    const partitions: number[][] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const numbers: number[] = [];
      for (let offset = 0; ; ) {
        const { records: found } = await log.read({ topic: TOPIC, partition, offset });
        if (found.length === 0) break;
        for (const { value } of found) numbers.push(Number(value));
        offset = found.at(-1)!.offset + 1;
      }
      partitions.push(numbers);
    }
    return partitions;
  } finally {
    await log.close();
  }
}
