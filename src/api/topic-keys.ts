/** Which keys are hot, and how keys spread over partitions: of a topic's newest records, or of traffic that is made up for a plan. */
import Type, { type Static } from 'typebox';
import { seededRandom } from '../domains/social/seeded-random.ts';
import { KitError } from '../kit/errors.ts';
import { givingWay, type Interruptible } from '../kit/giving-way.ts';
import { type DistributionReport, distributionReports } from '../kit/log/distribution.ts';
import type { TopicPartition } from '../kit/log/event-log.ts';
import { generatedKeys } from '../kit/log/generated-keys.ts';
import { type KeyCensus, keyCensus } from '../kit/log/key-census.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import type { Platform } from '../pipelines/platform.ts';
import type { Closing } from './closing.ts';
import { whileAsked } from './past.ts';
import { Count, json, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import { Turns } from './stream-turns.ts';
import { isoTime } from './topic-facts.ts';
import type { Api } from './typed.ts';

const DEFAULT_RECORDS = 20_000;
const MAX_RECORDS = 100_000;
/** Records of a topic under way to be counted; others wait. */
const MAX_CENSUSES = 2;
/** Each that gives way still takes its few milliseconds of every turn. */
const MAX_COMPUTED = 1;
/** Text of a key in an answer. */
const MAX_KEY_CHARS = 256;
const MAX_LISTED_KEYS = 100;

const Records = Type.Integer({
  minimum: 1,
  maximum: MAX_RECORDS,
  description: `Newest records that are read, at most. Default ${DEFAULT_RECORDS}.`,
});
const Measured = {
  records: Type.Integer({ minimum: 0, description: 'Records that were read: the newest of the topic.' }),
  keyless: Type.Integer({ minimum: 0, description: 'Of them, those without a key.' }),
  distinct_keys: Count,
  first_record_at: Type.Union([Timestamp, Type.Null()]),
  last_record_at: Type.Union([Timestamp, Type.Null()]),
  cut: Type.Boolean({ description: 'Fewer were read than asked for, because they are large: 32 MiB are the most.' }),
};
const HotKey = Type.Object({
  key: Type.String({ description: `The first ${MAX_KEY_CHARS} characters.` }),
  records: Count,
  share: Type.Number({ minimum: 0, maximum: 1, description: 'Of the records with a key.' }),
  partition: Type.Union([Partition, Type.Null()], {
    description: 'Where murmur2 puts it; null for a key that is too long to be looked up by its text.',
  }),
});
export const TopicKeys = Type.Object({
  topic: TopicName,
  ...Measured,
  keys: Type.Array(HotKey, { description: `Heaviest first, ${MAX_LISTED_KEYS} at most. Counts are exact.` }),
  partitions: Type.Array(Type.Object({ partition: Partition, records: Count, distinct_keys: Count })),
});
export type TopicKeysJson = Static<typeof TopicKeys>;

const Traffic = Type.Object(
  {
    keys: Type.Integer({ minimum: 1, maximum: 50_000 }),
    records: Type.Integer({ minimum: 1, maximum: 200_000 }),
    skew: Type.Number({
      minimum: 0,
      maximum: 3,
      description: 'The k-th key is as frequent as 1 / k^skew: 0 all alike, 1 as words are.',
    }),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'Repeats exactly. Default 1.' })),
  },
  { additionalProperties: false },
);
const Ask = Type.Object(
  {
    partitions: Type.Array(Type.Integer({ minimum: 1, maximum: 10_000 }), { minItems: 1, maxItems: 4 }),
    topic: Type.Optional(TopicName),
    records: Type.Optional(Records),
    traffic: Type.Optional(Traffic),
  },
  {
    additionalProperties: false,
    description: 'Either `topic`, whose newest keys are taken, or `traffic`, which is made up.',
    examples: [{ partitions: [6, 12], traffic: { keys: 10_000, records: 100_000, skew: 1 } }],
  },
);
const Spread = Type.Object({
  partitions: Type.Integer({ minimum: 1 }),
  counts: Type.Array(Count, { description: 'Records by partition.' }),
  mean: Type.Number(),
  max: Count,
  max_over_mean: Type.Number({
    description: '1 is even; a consumer of the fullest partition needs so much head room.',
  }),
  standard_deviation: Type.Number({ description: 'Of the counts, in records.' }),
  used_partitions: Count,
  hot: Type.Array(Partition, { description: 'Partitions with more than 1.5 times the mean.' }),
  cold: Type.Array(Partition, { description: 'Partitions with less than half of the mean.' }),
  healthy: Type.Boolean({ description: 'None hot, and at most one in ten cold.' }),
  hash_p_value: Type.Number({ description: 'Whether chance alone spreads keys as unevenly; below 0.001 it does not.' }),
  ideal_used_partitions: Type.Number({ description: 'What a perfect hash gives for as many keys.' }),
});
const Spreads = Type.Object({
  source: Type.Enum(['topic', 'traffic']),
  ...Measured,
  hottest: Type.Union([Type.Object({ key: Type.String(), records: Count, share: Type.Number() }), Type.Null()]),
  spreads: Type.Array(Spread, { description: 'One for each number of partitions, in the order they were asked for.' }),
});
export type SpreadJson = Static<typeof Spread>;
export type SpreadsJson = Static<typeof Spreads>;

export function topicKeyRoutes(app: Api, { log }: Platform, closing: Closing): void {
  const turns = new Turns(MAX_CENSUSES);
  const computing = new Turns(MAX_COMPUTED);

  async function computed<T>(work: Interruptible<T>, signal: AbortSignal): Promise<T> {
    await using _turn = await computing.take(signal);
    return await givingWay(work, signal);
  }

  async function censusOf(topic: string, maxRecords: number, signal: AbortSignal): Promise<KeyCensus> {
    const { partitions } = (await log.describe([topic])).topics[0]!;
    const all: TopicPartition[] = partitions.map(({ partition }) => ({ topic, partition }));
    await using _turn = await turns.take(signal);
    return await keyCensus(log, all, { maxRecords, now: Date.now(), signal });
  }

  app.get(
    '/api/v1/topics/:name/keys',
    {
      schema: {
        tags: ['topics'],
        summary: "The hottest keys of a topic's newest records, and how its keys spread over partitions",
        params: Type.Object({ name: TopicName }),
        querystring: Type.Object({ records: Type.Optional(Records) }, { additionalProperties: false }),
        response: {
          200: json('Keys.', TopicKeys),
          ...problems('INVALID_ARGUMENT', 'OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC', 'CORRUPT_BATCH', 'LOG_UNAVAILABLE'),
        },
      },
    },
    async ({ params, query }, reply): Promise<TopicKeysJson> => {
      const signal = whileAsked(reply, closing);
      const census = await closing.orClosing(censusOf(params.name, query.records ?? DEFAULT_RECORDS, signal));
      const hottest = await closing.orClosing(computed(heaviest(census.keys, MAX_LISTED_KEYS), signal));
      const keyed = census.records - census.keyless;
      return {
        topic: params.name,
        ...measured(census),
        keys: hottest.map(([key, records]) => ({
          key: key.slice(0, MAX_KEY_CHARS),
          records,
          share: records / keyed,
          partition: key.length > MAX_KEY_CHARS ? null : partitionFor(key, census.partitions.length),
        })),
        partitions: census.partitions.map(({ partition, records, distinctKeys }) => ({
          partition,
          records,
          distinct_keys: distinctKeys,
        })),
      };
    },
  );

  app.post(
    '/api/v1/topics/distribution',
    {
      schema: {
        tags: ['topics'],
        summary: 'How the keys of a topic, or of made-up traffic, would spread over so many partitions',
        body: Ask,
        response: {
          200: json('Spreads.', Spreads),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'OFFSET_OUT_OF_RANGE',
            'UNKNOWN_TOPIC',
            'BODY_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'FORBIDDEN_ORIGIN',
            'CORRUPT_BATCH',
            'LOG_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ body }, reply): Promise<SpreadsJson> => {
      const { topic, traffic, records = DEFAULT_RECORDS } = body;
      if ((topic === undefined) === (traffic === undefined))
        throw new KitError('INVALID_ARGUMENT', 'body: exactly one of topic and traffic is needed');
      const signal = whileAsked(reply, closing);
      const spreads = (keys: ReadonlyMap<string, number>) =>
        closing.orClosing(computed(distributionReports(keys, body.partitions), signal));
      if (topic !== undefined) {
        const census = await closing.orClosing(censusOf(topic, records, signal));
        return { source: 'topic', ...measured(census), ...spreadsJson(await spreads(census.keys)) };
      }
      const made = generatedKeys(traffic!, seededRandom(traffic!.seed ?? 1).next);
      const keys = await closing.orClosing(computed(made, signal));
      const none = { keyless: 0, first_record_at: null, last_record_at: null, cut: false };
      const counted = { records: traffic!.records, distinct_keys: keys.size, ...none };
      return { source: 'traffic', ...counted, ...spreadsJson(await spreads(keys)) };
    },
  );
}

function measured(census: KeyCensus) {
  return {
    records: census.records,
    keyless: census.keyless,
    distinct_keys: census.keys.size,
    first_record_at: census.firstAt === null ? null : isoTime(census.firstAt),
    last_record_at: census.lastAt === null ? null : isoTime(census.lastAt),
    cut: census.cut,
  };
}

function* heaviest(
  keys: ReadonlyMap<string, number>,
  max: number,
): Interruptible<(readonly [key: string, records: number])[]> {
  const found: (readonly [key: string, records: number])[] = [];
  let looked = 0;
  for (const one of keys) {
    if (++looked % 1_000 === 0) yield;
    if (found.length === max && byWeight(one, found.at(-1)!) > 0) continue;
    const place = found.findIndex((other) => byWeight(one, other) < 0);
    found.splice(place < 0 ? found.length : place, 0, one);
    if (found.length > max) found.pop();
  }
  return found;
}

function byWeight([a, one]: readonly [string, number], [b, other]: readonly [string, number]): number {
  return other - one || (a < b ? -1 : 1);
}

function spreadsJson(reports: readonly DistributionReport[]): Pick<SpreadsJson, 'hottest' | 'spreads'> {
  const hottest = reports[0]?.hottestKey ?? null;
  return {
    hottest: hottest === null ? null : { ...hottest, key: hottest.key.slice(0, MAX_KEY_CHARS) },
    spreads: reports.map(spreadJson),
  };
}

function spreadJson(report: DistributionReport): SpreadJson {
  const { partitions, counts, mean, hot, cold, healthy, usedPartitions, keyChiSquare, ideal } = report;
  const max = counts.reduce((most, count) => Math.max(most, count), 0);
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  return {
    partitions,
    counts: [...counts],
    mean,
    max,
    max_over_mean: mean === 0 ? 0 : max / mean,
    standard_deviation: Math.sqrt(variance),
    used_partitions: usedPartitions,
    hot: [...hot],
    cold: [...cold],
    healthy,
    hash_p_value: keyChiSquare.pValue,
    ideal_used_partitions: ideal.usedPartitions,
  };
}
