/** What is known of topics: from the brokers' metadata, the log's ends, its own administration, and two looks at the ends. */
import Type, { type Static, type TSchema } from 'typebox';
import { isKitError } from '../kit/errors.ts';
import { inTurns } from '../kit/in-turns.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { ConfigEntry } from '../kit/log/log-admin.ts';
import { type PartitionReport, reportTopics, type TopicReport } from '../kit/log/topic-report.ts';
import { shared } from '../kit/monitoring/shared.ts';
import { sharedByKey } from '../kit/monitoring/shared-by-key.ts';
import type { Platform } from '../pipelines/platform.ts';
import { Count, Offset, Partition, Timestamp, TopicName } from './schemas.ts';
import { TopicRates } from './topic-rates.ts';

const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description });
const NodeId = Type.Integer({ minimum: -1, examples: [1] });

const NO_LEADER = 'Null without a leader, or where it does not answer.';
const PartitionFacts = {
  partition: Partition,
  leader: NodeId,
  replicas: Type.Array(NodeId),
  isr: Type.Array(NodeId),
  start_offset: orNull(Offset, NO_LEADER),
  end_offset: orNull(Offset, NO_LEADER),
};
const NOT_ADMINISTERED = 'Null where `administration` says why, or the brokers did not tell.';
const Facts = {
  name: TopicName,
  partition_count: Type.Integer({ minimum: 1 }),
  replication_factor: Type.Integer({ minimum: 0 }),
  records: orNull(
    Count,
    'Offsets from start to end: compaction and transactions leave fewer records. Null where an end is not known.',
  ),
  per_second: orNull(Type.Number({ minimum: 0 }), 'Records appended, since an earlier look; null at the first one.'),
  per_second_over_ms: orNull(Count, 'How long before that look was.'),
  size_bytes: orNull(Count, `On the disks of all brokers, each replica counted. ${NOT_ADMINISTERED}`),
  retention: orNull(
    Type.Object({
      policy: Type.String({ examples: ['delete', 'compact'] }),
      ms: orNull(Count, 'Null: for ever.'),
      bytes: orNull(Count, 'Of a partition. Null: any number.'),
    }),
    NOT_ADMINISTERED,
  ),
};
export const TopicSummary = Type.Object({
  ...Facts,
  partitions: Type.Optional(Type.Array(Type.Object(PartitionFacts))),
});
export type TopicSummaryJson = Static<typeof TopicSummary>;

const Time = orNull(Timestamp, 'Publish time. Null without records, and beyond the first 128 partitions.');
const Times = { first_record_at: Time, last_record_at: Time };
const Config = Type.Object({
  name: Type.String(),
  value: orNull(Type.String(), 'Null for one that is sensitive.'),
  source: Type.String({ description: "In Kafka's words.", examples: ['DYNAMIC_TOPIC_CONFIG', 'DEFAULT_CONFIG'] }),
  read_only: Type.Boolean(),
  sensitive: Type.Boolean(),
});
export const Administration = Type.Object({
  available: Type.Boolean(),
  reason: orNull(Type.String(), 'Why configuration and sizes are not known, and what would help.'),
});
export const TopicDetail = Type.Object({
  ...Facts,
  ...Times,
  partitions: Type.Array(Type.Object({ ...PartitionFacts, ...Times })),
  configs: orNull(Type.Array(Config), NOT_ADMINISTERED),
  administration: Administration,
});
export type TopicDetailJson = Static<typeof TopicDetail>;
export const TopicList = Type.Object({ topics: Type.Array(TopicSummary), administration: Administration });
export type TopicListJson = Static<typeof TopicList>;

interface Administered {
  readonly bytes: number | null;
  readonly configs: readonly ConfigEntry[] | null;
}

const LIST_MAX_AGE_MS = 1_000;
const DETAIL_MAX_AGE_MS = 1_000;
/** Sizes and configurations are asked of every broker, topic by topic. */
const ADMINISTERED_MAX_AGE_MS = 5_000;
const MAX_ADMINISTERED_TOPICS = 500;
const MAX_TIMED_PARTITIONS = 128;
const UNKNOWN: Administered = { bytes: null, configs: null };
const CLOSED =
  "The log's port for Kafka's protocol is closed, by which its configuration and size are asked for: start with --broker-port.";

export class TopicFacts {
  readonly #platform: Pick<Platform, 'log' | 'topics' | 'admin'>;
  readonly #rates = new TopicRates();
  /** Who asks for one topic, or for all, within a second shares the answer. */
  readonly list = shared(
    () => this.#list(),
    LIST_MAX_AGE_MS,
    () => performance.now(),
  );
  readonly detail = sharedByKey((name) => this.#detail(name), { maxAgeMs: DETAIL_MAX_AGE_MS });
  readonly #administered = sharedByKey((name) => this.#ask(name), {
    maxAgeMs: ADMINISTERED_MAX_AGE_MS,
    maxKeys: MAX_ADMINISTERED_TOPICS,
  });

  constructor(platform: Pick<Platform, 'log' | 'topics' | 'admin'>) {
    this.#platform = platform;
  }

  async #list(): Promise<TopicListJson> {
    const { log, topics } = this.#platform;
    const reports = await reportTopics(log, await topics.describe());
    const isTooMany = reports.length > MAX_ADMINISTERED_TOPICS;
    const asked = await inTurns(reports, async ({ name }) => (isTooMany ? UNKNOWN : this.#administered(name)));
    const summaries = reports.map((report, index) => this.#summary(report, asked[index]!));
    return {
      topics: summaries.map((summary, index) => ({
        ...summary,
        partitions: [...reports[index]!.partitions.map(writable)],
      })),
      administration: this.#administration(),
    };
  }

  async #detail(name: string): Promise<TopicDetailJson> {
    const { log, topics } = this.#platform;
    const [administered, found] = await Promise.all([
      this.#administered(name),
      topics.describe([name]).then((described) => reportTopics(log, described)),
    ]);
    const report = found[0]!;
    const times = await inTurns(report.partitions.slice(0, MAX_TIMED_PARTITIONS), (one) => timesOf(log, name, one));
    const partitions = report.partitions.map((one, index) => ({
      ...writable(one),
      first_record_at: times[index]?.first ?? null,
      last_record_at: times[index]?.last ?? null,
    }));
    const firsts = times.flatMap(({ first }) => first ?? []).sort();
    const lasts = times.flatMap(({ last }) => last ?? []).sort();
    return {
      ...this.#summary(report, administered),
      first_record_at: firsts[0] ?? null,
      last_record_at: lasts.at(-1) ?? null,
      partitions,
      configs: administered.configs?.map(configJson) ?? null,
      administration: this.#administration(),
    };
  }

  #summary({ name, partition_count, replication_factor, records, partitions }: TopicReport, asked: Administered) {
    const ends = partitions.flatMap(({ partition, end_offset: end }) =>
      end === null ? [] : [[String(partition), end] as const],
    );
    const rate = this.#rates.look(name, new Map(ends));
    return {
      name,
      partition_count,
      replication_factor,
      records,
      per_second: rate?.perSecond ?? null,
      per_second_over_ms: rate?.overMs ?? null,
      size_bytes: asked.bytes,
      retention: asked.configs === null ? null : retentionOf(asked.configs),
    };
  }

  async #ask(name: string): Promise<Administered> {
    const admin = await this.#platform.admin();
    if (admin === null) return UNKNOWN;
    const [bytes, configs] = await Promise.all([
      unlessRefused(admin.bytesOf(name)),
      unlessRefused(admin.describeConfigs({ type: 'topic', name })),
    ]);
    return { bytes, configs };
  }

  #administration(): TopicListJson['administration'] {
    const available = this.#platform.admin() !== null;
    return { available, reason: available ? null : CLOSED };
  }
}

/** A topic that is gone, brokers that do not answer, rules that forbid it: what is not known is null, and the rest is told. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  return answer.catch((error: unknown) => {
    if (isKitError(error)) return null;
    throw error;
  });
}

async function timesOf(
  log: EventLog,
  topic: string,
  { partition, start_offset: start, end_offset: end }: PartitionReport,
) {
  if (start === null || end === null || start === end) return { first: null, last: null };
  const timeAt = async (offset: number): Promise<string | null> => {
    const read = await unlessRefused(log.read({ topic, partition, offset, maxRecords: 1, maxBytes: 1 }));
    const timestamp = read?.records[0]?.timestamp;
    return timestamp === undefined ? null : isoTime(timestamp);
  };
  const [first, last] = await Promise.all([timeAt(start), timeAt(end - 1)]);
  return { first, last };
}

/** Null for what no calendar has: a client may have stamped anything. */
export function isoTime(ms: number): string | null {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

function retentionOf(configs: readonly ConfigEntry[]) {
  const value = (name: string) => configs.find((one) => one.name === name)?.value ?? null;
  const limit = (name: string) => {
    const text = value(name);
    return text === null || Number(text) < 0 ? null : Number(text);
  };
  return { policy: value('cleanup.policy') ?? 'delete', ms: limit('retention.ms'), bytes: limit('retention.bytes') };
}

function configJson({ name, value, source, readOnly, sensitive }: ConfigEntry) {
  return { name, value, source, read_only: readOnly, sensitive };
}

function writable({ replicas, isr, ...rest }: PartitionReport) {
  return { ...rest, replicas: [...replicas], isr: [...isr] };
}
