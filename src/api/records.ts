/** Reading the log over HTTP, for `events tail`: bounded pages, and a cursor to go on with. */
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { EventLog, LogRecord, PartitionBatch, TopicPartition } from '../kit/log/event-log.ts';
import type { Closing } from './closing.ts';
import { RecordJson, recordJson } from './record-json.ts';
import { json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const MAX_RECORDS = 1_000;
const MAX_BYTES = 1024 * 1024;
const MAX_WAIT_MS = 30_000;
const POLL_MS = 100;
/** Reads under way at once for one request. */
const MAX_PARALLEL_READS = 16;

const Query = Type.Object(
  {
    topic: TopicName,
    partition: Type.Optional(Partition),
    offset: Type.Optional(
      Type.Union([Offset, Type.Enum(['earliest', 'latest'])], {
        description: 'Where to start, of partitions that `positions` does not name. Default earliest.',
      }),
    ),
    positions: Type.Optional(
      Type.String({
        pattern: '^\\d{1,9}:\\d{1,15}(,\\d{1,9}:\\d{1,15})*$',
        description: 'Without `partition`: the cursor of an earlier answer.',
        examples: ['0:12,1:40'],
      }),
    ),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_RECORDS, description: 'Records. Default 100.' })),
    wait_ms: Type.Optional(
      Type.Integer({ minimum: 0, maximum: MAX_WAIT_MS, description: 'For a first record. Default 0.' }),
    ),
  },
  { additionalProperties: false },
);

const Page = Type.Object({
  records: Type.Array(RecordJson),
  next: Type.Optional(Offset),
  high_watermark: Type.Optional(Offset),
  positions: Type.Optional(Type.String({ description: 'Of a read of all partitions: where to go on.' })),
});

export function recordRoutes(app: Api, log: EventLog, closing: Closing): void {
  app.get(
    '/api/v1/events',
    {
      schema: {
        tags: ['events'],
        summary: 'Read records of one partition, or of all partitions of a topic',
        querystring: Query,
        response: {
          200: json('Records, ascending by offset within a partition; of several partitions, by publish time.', Page),
          ...problems(
            'INVALID_ARGUMENT',
            'OFFSET_OUT_OF_RANGE',
            'UNKNOWN_TOPIC',
            'UNKNOWN_PARTITION',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ query }) => {
      const { topic, partition, offset = 'earliest', positions, max = 100, wait_ms: waitMs = 0 } = query;
      if (partition !== undefined) return readOne({ topic, partition }, offset, max, waitMs);
      if (typeof offset === 'number')
        throw new KitError('INVALID_ARGUMENT', 'query offset: a number needs a partition beside it');
      return readAll(topic, offset, positions, max, waitMs);
    },
  );

  async function readOne(
    at: TopicPartition,
    from: Type.Static<typeof Offset> | 'earliest' | 'latest',
    max: number,
    waitMs: number,
  ) {
    const offset = typeof from === 'number' ? from : (await log.listOffsets([{ ...at, at: from }]))[0]!;
    const { records, highWatermark } = await log.read({
      ...at,
      offset,
      maxRecords: max,
      maxBytes: MAX_BYTES,
      maxWaitMs: waitMs,
      signal: closing.signal,
    });
    const last = records.at(-1);
    return {
      records: records.map(recordJson),
      next: last === undefined ? offset : last.offset + 1,
      high_watermark: highWatermark,
    };
  }

  async function readAll(
    topic: string,
    from: 'earliest' | 'latest',
    cursor: string | undefined,
    max: number,
    waitMs: number,
  ) {
    const partitions = await partitionsOf(topic);
    const given = parsePositions(cursor);
    const starts = await log.listOffsets(partitions.map((partition) => ({ topic, partition, at: from })));
    const positions = new Map(
      partitions.map((partition, index) => [partition, given.get(partition) ?? starts[index]!]),
    );

    const deadline = performance.now() + waitMs;
    for (;;) {
      const ends = await log.listOffsets(partitions.map((partition) => ({ topic, partition, at: 'latest' as const })));
      const withNews = partitions.filter((partition, index) => positions.get(partition)! < ends[index]!);
      const records = (await readSome(topic, withNews, positions, max)).sort((a, b) => a.timestamp - b.timestamp);
      const leftMs = deadline - performance.now();
      if (records.length > 0 || leftMs <= 0 || closing.signal.aborted) {
        for (const record of records)
          positions.set(record.partition, Math.max(positions.get(record.partition)!, record.offset + 1));
        return { records: records.map(recordJson), positions: formatPositions(positions) };
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, leftMs)));
    }
  }

  async function partitionsOf(topic: string): Promise<number[]> {
    const [found] = (await log.describe([topic])).topics;
    return found!.partitions.map(({ partition }) => partition).sort((a, b) => a - b);
  }

  /** Every partition with news gets its share of the page. */
  async function readSome(
    topic: string,
    withNews: readonly number[],
    positions: ReadonlyMap<number, number>,
    max: number,
  ) {
    const chosen = withNews.slice(0, max);
    const records: LogRecord[] = [];
    for (let at = 0; at < chosen.length; at += MAX_PARALLEL_READS) {
      const batches = await Promise.all(
        chosen.slice(at, at + MAX_PARALLEL_READS).map((partition) =>
          log.read({
            topic,
            partition,
            offset: positions.get(partition)!,
            maxRecords: Math.floor(max / chosen.length),
            maxBytes: Math.ceil(MAX_BYTES / chosen.length),
          }),
        ),
      );
      records.push(...batches.flatMap((batch: PartitionBatch) => batch.records));
    }
    return records;
  }
}

/** `0:12,1:40` */
function parsePositions(cursor = ''): Map<number, number> {
  return new Map(
    cursor
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split(':').map(Number) as [number, number]),
  );
}

function formatPositions(positions: ReadonlyMap<number, number>): string {
  return [...positions].map(([partition, offset]) => `${partition}:${offset}`).join(',');
}
