/** The message browser: a topic's records by offset, time or key, newest or oldest first, filtered within a bounded scan. */
import Type, { type Static } from 'typebox';
import { KitError } from '../kit/errors.ts';
import { browse } from '../kit/log/browse.ts';
import type { EventLog, LogRecord } from '../kit/log/event-log.ts';
import type { OffsetRange, Order } from '../kit/log/partition-cursor.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import { ALONE, BrowsedRecord, browsedRecord, eventTypeOf, IN_A_LIST } from './browsed-record.ts';
import type { Closing } from './closing.ts';
import { momentOf, whileAsked } from './past.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import { Turns } from './stream-turns.ts';
import type { Api } from './typed.ts';

const MAX_RECORDS = 200;
/** Merging reads from every partition; a topic with more is looked at a partition at a time. */
const MAX_MERGED_PARTITIONS = 1_000;
/** Scans under way at once; others wait for theirs. */
const MAX_SCANS = 4;

const Query = Type.Object(
  {
    order: Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'Which come first. Default newest.' })),
    partition: Type.Optional(Partition),
    offset: Type.Optional(
      Type.Integer({ ...Offset, description: 'With `partition`: the first record of the answer, in either order.' }),
    ),
    at: Type.Optional(
      Type.Unsafe<string>({
        ...Timestamp,
        description: 'Publish time: oldest first from then on, newest first before then.',
      }),
    ),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description:
          'Only records of this key; looked for in the partition where murmur2 puts it, unless one is named.',
      }),
    ),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Only events of this type.' })),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Only records with this text in key, value or a header, exactly as it is written.',
      }),
    ),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_RECORDS, description: 'Records. Default 50.' })),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9a-z]{1,11}(\\.[0-9a-z]{1,11}){0,999}$',
        description: 'Of an earlier answer to the same question: where to go on.',
      }),
    ),
  },
  { additionalProperties: false },
);

const Page = Type.Object({
  records: Type.Array(BrowsedRecord),
  scanned: Type.Integer({ minimum: 0, description: 'Records that were looked at.' }),
  scanned_bytes: Count,
  more: Type.Boolean(),
  stopped_by: Type.Enum(['page', 'scan', 'end'], {
    description: 'page: `max` were found; scan: the bound on what one request looks at; end: there is no more.',
  }),
  cursor: Type.Union([Type.String(), Type.Null()]),
  partition: Type.Union([Partition, Type.Null()], { description: 'The only one that was looked at; null: all.' }),
});
export type RecordPage = Static<typeof Page>;
export type RecordQuery = Static<typeof Query>;

export function topicRecordRoutes(app: Api, log: EventLog, closing: Closing): void {
  const turns = new Turns(MAX_SCANS);

  async function inTurn(topic: string, query: RecordQuery, signal: AbortSignal): Promise<RecordPage> {
    await using _turn = await turns.take(signal);
    return await pageOf(log, topic, query, signal);
  }

  app.get(
    '/api/v1/topics/:name/records',
    {
      schema: {
        tags: ['topics'],
        summary: "Browse a topic's records, merged by publish time; large ones in part",
        params: Type.Object({ name: TopicName }),
        querystring: Query,
        response: {
          200: json('Records in the order asked for.', Page),
          ...problems(
            'INVALID_ARGUMENT',
            'OFFSET_OUT_OF_RANGE',
            'UNKNOWN_TOPIC',
            'UNKNOWN_PARTITION',
            'CORRUPT_BATCH',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params, query }, reply) => {
      return await closing.orClosing(inTurn(params.name, query, whileAsked(reply, closing)));
    },
  );

  app.get(
    '/api/v1/topics/:name/partitions/:partition/records/:offset',
    {
      schema: {
        tags: ['topics'],
        summary: 'One record, whole up to 2 MiB',
        params: Type.Object({
          name: TopicName,
          partition: Type.String({ pattern: '^\\d{1,9}$' }),
          offset: Type.String({ pattern: '^\\d{1,15}$' }),
        }),
        response: {
          200: json('The record.', BrowsedRecord),
          ...problems(
            'INVALID_ARGUMENT',
            'OFFSET_OUT_OF_RANGE',
            'UNKNOWN_TOPIC',
            'UNKNOWN_PARTITION',
            'CORRUPT_BATCH',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params }) => {
      const at = { topic: params.name, partition: Number(params.partition), offset: Number(params.offset) };
      const { records, highWatermark } = await log.read({ ...at, maxRecords: 1, maxBytes: 1 });
      const record = records.find(({ offset }) => offset === at.offset);
      if (record === undefined) throw nothingAt(at, records[0]?.offset ?? null, highWatermark);
      return browsedRecord(record, ALONE);
    },
  );
}

async function pageOf(log: EventLog, topic: string, query: RecordQuery, signal: AbortSignal): Promise<RecordPage> {
  const { order = 'newest', max = 50 } = query;
  const { ranges, partition } = await rangesOf(log, topic, query, order);
  const found = await browse({
    log,
    topic,
    ranges,
    order,
    max,
    keep: keeps(query),
    signal,
  });
  const more = found.stoppedBy !== 'end';
  return {
    records: [...found.items],
    scanned: found.scanned,
    scanned_bytes: found.scannedBytes,
    more,
    stopped_by: found.stoppedBy,
    cursor: more ? found.rest.map(({ from, to }) => (order === 'newest' ? to : from).toString(36)).join('.') : null,
    partition,
  };
}

async function rangesOf(log: EventLog, topic: string, query: RecordQuery, order: Order) {
  const { offset, at, key, cursor } = query;
  const all = (await log.describe([topic])).topics[0]!.partitions.map(({ partition }) => partition);
  const only = query.partition ?? (key === undefined ? null : partitionFor(key, all.length));
  if (only !== null && !all.includes(only))
    throw new KitError('UNKNOWN_PARTITION', `${topic} has ${all.length} partitions, not ${only}`);
  if (offset !== undefined && query.partition === undefined)
    throw new KitError('INVALID_ARGUMENT', 'query offset: needs a partition beside it');
  if (offset !== undefined && at !== undefined)
    throw new KitError('INVALID_ARGUMENT', 'query at: an offset is named as well; one of them decides');
  if (only === null && all.length > MAX_MERGED_PARTITIONS)
    throw new KitError(
      'INVALID_ARGUMENT',
      `query partition: ${topic} has ${all.length} partitions, more than ${MAX_MERGED_PARTITIONS}; name one of them, or a key`,
    );
  const partitions = only === null ? all.sort((a, b) => a - b) : [only];
  const offsets = (when: 'earliest' | 'latest' | number) =>
    log.listOffsets(partitions.map((partition) => ({ topic, partition, at: when })));
  const [starts, ends] = await Promise.all([offsets('earliest'), offsets('latest')]);
  if (offset !== undefined && (offset < starts[0]! || offset >= Math.max(ends[0]!, starts[0]! + 1)))
    throw nothingAt({ topic, partition: only!, offset }, starts[0]!, ends[0]!);
  const given =
    parseCursor(cursor) ??
    (offset === undefined ? null : [order === 'newest' ? offset + 1 : offset]) ??
    (at === undefined ? null : await offsets(momentOf(at, 'query at')));
  const ranges = partitions.map((partition, index): OffsetRange => {
    const [start, end] = [starts[index]!, ends[index]!];
    // a partition that was added since a cursor was made has nothing before it
    const bound = given === null ? null : (given[index] ?? start);
    const within = bound === null ? null : Math.min(Math.max(bound, start), end);
    return order === 'newest'
      ? { partition, from: start, to: within ?? end }
      : { partition, from: within ?? start, to: end };
  });
  return { ranges, partition: only };
}

function parseCursor(cursor: string | undefined): number[] | null {
  if (cursor === undefined) return null;
  return cursor.split('.').map((text) => Number.parseInt(text, 36));
}

function keeps({ key, type, text }: RecordQuery) {
  const keyBytes = key === undefined ? null : Buffer.from(key);
  const textBytes = text === undefined ? null : Buffer.from(text);
  return (record: LogRecord) => {
    if (keyBytes !== null && record.key?.equals(keyBytes) !== true) return null;
    if (textBytes !== null && !holds(record, textBytes)) return null;
    if (type !== undefined && eventTypeOf(record, IN_A_LIST.maxParsedBytes) !== type) return null;
    return browsedRecord(record, IN_A_LIST);
  };
}

function holds({ key, value, headers }: LogRecord, text: Buffer): boolean {
  return (
    value?.includes(text) === true ||
    key?.includes(text) === true ||
    headers.some(([, bytes]) => bytes?.includes(text) === true)
  );
}

function nothingAt(
  { topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
  earliest: number | null,
  end: number,
): KitError {
  const hint =
    earliest !== null && earliest < end
      ? `the next one there is at ${earliest}, the last at ${end - 1}`
      : 'there is none after it';
  return new KitError('OFFSET_OUT_OF_RANGE', `${topic}-${partition} has no record at offset ${offset}; ${hint}`, {
    details: { topic, partition, offset, earliest, latest: end },
  });
}
