import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { seededRandom } from '../../../src/domains/social/seeded-random.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import type { EventLog, Header, LogRecord, NewRecord } from '../../../src/kit/log/event-log.ts';
import { Mentions, rawOf } from '../../../src/kit/log/mentions.ts';
import { type MergedFilter, type MergedRecord, mergedRecords } from '../../../src/kit/log/merged-records.ts';

const never = new AbortController().signal;
const TOPIC = 't';
const PARTITIONS = 3;
const IDS = ['u_1', 'u_2', 'ü', 'post_1', 'a"b', 'nobody'];

function recordOf(random: () => number): NewRecord {
  const one = (): string => IDS[Math.floor(random() * (IDS.length - 1))]!;
  const headers: Header[] =
    random() < 0.5
      ? []
      : [
          ['ce_type', Buffer.from('x')],
          ['ce_userid', Buffer.from(one())],
          ['none', null],
        ];
  return {
    key: random() < 0.2 ? null : Buffer.from(one()),
    value: random() < 0.1 ? null : Buffer.from(JSON.stringify({ who: one(), text: `about ${one()}`, at: 3 })),
    headers,
    // not always ascending
    timestamp: 1_000 + Math.floor(random() * 50),
  };
}

async function filled(t: TestContext, seed: number): Promise<EmbeddedLog> {
  const log = await EmbeddedLog.open({ directory: null });
  t.after(() => log.close());
  await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  const seeded = seededRandom(seed);
  const random = (): number => seeded.next();
  for (let batch = 0; batch < 30; batch++) {
    const records = Array.from({ length: 1 + Math.floor(random() * 8) }, () => recordOf(random));
    await log.append({ topic: TOPIC, partition: Math.floor(random() * PARTITIONS), records });
  }
  return log;
}

async function merged(log: Pick<EventLog, 'read' | 'listOffsets'>, filter?: MergedFilter): Promise<MergedRecord[]> {
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
  const ends = await log.listOffsets(places.map((place) => ({ ...place, at: 'latest' as const })));
  // the last record of each is left out
  const ranges = places.map((place, index) => ({ ...place, offset: 1, end: ends[index]! - 1 }));
  const found: MergedRecord[] = [];
  for await (const some of mergedRecords(log, ranges, never, filter)) found.push(...some);
  return found;
}

/** As a log answers that has only whole records. */
function withoutWanted(log: EventLog): Pick<EventLog, 'read' | 'listOffsets'> {
  return {
    listOffsets: (queries) => log.listOffsets(queries),
    read: ({ wanted: _, ...request }) => log.read(request),
  };
}

function says({ key, value, headers }: LogRecord, id: string): boolean {
  const { who } = value === null ? {} : (JSON.parse(value.toString()) as { who?: string });
  return key?.toString() === id || who === id || headers.some(([, content]) => content?.toString() === id);
}

describe('records of many partitions by time', () => {
  it('are the same for every log, with the greatest time so far of their partitions', async (t) => {
    const log = await filled(t, 1);
    const all = await merged(log);
    assert.deepEqual(await merged(withoutWanted(log)), all);
    assert.deepEqual(
      all.map(({ at }) => at),
      all.map(({ at }) => at).toSorted((a, b) => a - b),
    );
    const greatest = new Map<number, number>();
    for (const { at, record } of all) {
      // the first of each partition is not in the range
      greatest.set(record.partition, Math.max(greatest.get(record.partition) ?? 0, record.timestamp));
      assert.equal(at, greatest.get(record.partition));
    }
  });

  it('are found by what they mention, wherever it stands, with their place among all', async (t) => {
    for (const seed of [1, 2, 3]) {
      const log = await filled(t, seed);
      const all = await merged(log);
      for (const id of IDS) {
        const mentions = new Mentions([id]);
        for (const each of [log, withoutWanted(log)]) {
          let searched = 0;
          const filter: MergedFilter = {
            wanted: (record) => mentions.in(record),
            onSearched: (records) => {
              searched += records;
            },
          };
          const found = await merged(each, filter);
          assert.equal(searched, all.length);
          assert.deepEqual(
            found,
            all.filter(({ record }) => mentions.in(rawOf(record))),
          );
          const missed = all.filter(
            (one) =>
              says(one.record, id) &&
              !found.some(
                ({ record }) => record.partition === one.record.partition && record.offset === one.record.offset,
              ),
          );
          assert.deepEqual(missed, []);
          // an escape in a text might stand for anything
          const hasEscape = ({ value }: LogRecord): boolean => value?.includes('\\') === true;
          assert.ok(
            found.every(({ record }) => says(record, id) || hasEscape(record)),
            id,
          );
        }
      }
    }
  });
});
