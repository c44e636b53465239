/**
 * The configurations of a topic that Kafka 4.1 knows (`org.apache.kafka.storage.internals.log.LogConfig`). All of them can
 * be set, so that tools and scripts for Kafka work; the embedded log acts on those marked `heeded` and keeps the others.
 * Defaults are Kafka's, except that nothing is forgotten unless told: retention has no bound.
 */
import { KitError } from '../../errors.ts';

export type TopicConfigs = Readonly<Record<string, string>>;

export interface TopicConfigDefinition {
  readonly name: string;
  readonly type: 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list';
  readonly default: string;
  /** Whether the embedded log acts on it. */
  readonly heeded: boolean;
  /** What is wrong with a value, as the end of "it ..."; null if nothing is. */
  refuse(value: string): string | null;
}

const MAX_LONG = '9223372036854775807';
/** SQLite holds a row of up to 1 GB; the writer should never be given that much at once. */
const MESSAGE_BYTES_LIMIT = 64 * 1024 * 1024;

type Definition = Omit<TopicConfigDefinition, 'name' | 'heeded'>;

function whole(type: 'int' | 'long', initial: string, least: bigint | null = null, most?: bigint): Definition {
  const bits = type === 'int' ? 31n : 63n;
  const low = least ?? -(2n ** bits);
  const high = most ?? 2n ** bits - 1n;
  return {
    type,
    default: initial,
    refuse(value) {
      const number = /^[+-]?\d{1,20}$/.test(value) ? BigInt(value.replace('+', '')) : null;
      if (number !== null && number >= low && number <= high) return null;
      return `is a whole number from ${low} to ${high}`;
    },
  };
}

function flag(initial: 'true' | 'false', refuseTrue: string | null = null): Definition {
  return {
    type: 'boolean',
    default: initial,
    refuse(value) {
      if (!/^(true|false)$/i.test(value)) return 'is true or false';
      return value.toLowerCase() === 'true' ? refuseTrue : null;
    },
  };
}

function oneOf(initial: string, ...values: string[]): Definition {
  return {
    type: 'string',
    default: initial,
    refuse: (value) => (values.includes(value) ? null : `is one of ${values.join(', ')}`),
  };
}

function listOf(initial: string, what: string, entry: RegExp): Definition {
  return {
    type: 'list',
    default: initial,
    refuse: (value) => (listed(value).every((each) => entry.test(each)) ? null : `is a list of ${what}`),
  };
}

const RATIO: Definition = {
  type: 'double',
  default: '0.5',
  refuse: (value) => (value !== '' && Number(value) >= 0 && Number(value) <= 1 ? null : 'is a number from 0 to 1'),
};

const TIMESTAMP_TYPE: Definition = {
  type: 'string',
  default: 'CreateTime',
  refuse(value) {
    if (value === 'LogAppendTime') {
      return 'is CreateTime here: the embedded log stores batches as their producers made them, times included';
    }
    return value === 'CreateTime' ? null : 'is CreateTime';
  },
};

const THROTTLED = listOf('', 'partition:broker pairs, or *', /^(\d+:\d+|\*)$/);
const NO_REMOTE_LOG = 'cannot be true: the embedded log has no remote storage';

const HEEDED: Readonly<Record<string, Definition>> = {
  'cleanup.policy': listOf('delete', 'compact and delete', /^(compact|delete)$/),
  'delete.retention.ms': whole('long', '86400000', 0n),
  'max.compaction.lag.ms': whole('long', MAX_LONG, 1n),
  'max.message.bytes': whole('int', '1048588', 0n, BigInt(MESSAGE_BYTES_LIMIT)),
  'message.timestamp.type': TIMESTAMP_TYPE,
  'min.cleanable.dirty.ratio': RATIO,
  'min.compaction.lag.ms': whole('long', '0', 0n),
  'retention.bytes': whole('long', '-1'),
  'retention.ms': whole('long', '-1', -1n),
};

/** About segments, replicas, page caches and re-compression, which the embedded log has not got. */
const KEPT: Readonly<Record<string, Definition>> = {
  'compression.gzip.level': whole('int', '-1', -1n, 9n),
  'compression.lz4.level': whole('int', '9', 1n, 17n),
  'compression.type': oneOf('producer', 'uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
  'compression.zstd.level': whole('int', '3', -131_072n, 22n),
  'file.delete.delay.ms': whole('long', '60000', 0n),
  'flush.messages': whole('long', MAX_LONG, 1n),
  'flush.ms': whole('long', MAX_LONG, 0n),
  'follower.replication.throttled.replicas': THROTTLED,
  'index.interval.bytes': whole('int', '4096', 0n),
  'leader.replication.throttled.replicas': THROTTLED,
  'local.retention.bytes': whole('long', '-2', -2n),
  'local.retention.ms': whole('long', '-2', -2n),
  'message.timestamp.after.max.ms': whole('long', '3600000', 0n),
  'message.timestamp.before.max.ms': whole('long', MAX_LONG, 0n),
  'min.insync.replicas': whole('int', '1', 1n),
  preallocate: flag('false'),
  'remote.log.copy.disable': flag('false'),
  'remote.log.delete.on.disable': flag('false'),
  'remote.storage.enable': flag('false', NO_REMOTE_LOG),
  'segment.bytes': whole('int', '1073741824', 1_048_576n),
  'segment.index.bytes': whole('int', '10485760', 4n),
  'segment.jitter.ms': whole('long', '0', 0n),
  'segment.ms': whole('long', '604800000', 1n),
  'unclean.leader.election.enable': flag('false'),
};

/** Ascending by name. */
export const TOPIC_CONFIGS: readonly TopicConfigDefinition[] = [
  ...Object.entries(HEEDED).map(([name, definition]) => ({ name, heeded: true, ...definition })),
  ...Object.entries(KEPT).map(([name, definition]) => ({ name, heeded: false, ...definition })),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const BY_NAME = new Map(TOPIC_CONFIGS.map((definition) => [definition.name, definition]));

/** @throws KitError INVALID_CONFIG */
export function checkTopicConfigs(configs: TopicConfigs): void {
  for (const [name, value] of Object.entries(configs)) {
    const definition = BY_NAME.get(name);
    if (definition === undefined) throw invalid(name, `Kafka has no topic configuration "${name}".`);
    const reason = definition.refuse(value.trim());
    if (reason !== null) throw invalid(name, `"${value}" is no value for ${name}: it ${reason}.`);
  }
  const { minCompactionLagMs, maxCompactionLagMs } = topicPolicy(configs);
  if (minCompactionLagMs > maxCompactionLagMs) {
    throw invalid('min.compaction.lag.ms', 'min.compaction.lag.ms must not be greater than max.compaction.lag.ms.');
  }
}

/** What the log acts on. -1 is without a bound; times are in ms. */
export interface TopicPolicy {
  readonly compacts: boolean;
  readonly deletes: boolean;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minDirtyRatio: number;
}

export function topicPolicy(configs: TopicConfigs): TopicPolicy {
  const number = (name: string): number => Number(configs[name] ?? HEEDED[name]!.default);
  const policies = listed(configs['cleanup.policy'] ?? HEEDED['cleanup.policy']!.default);
  return {
    compacts: policies.includes('compact'),
    deletes: policies.includes('delete'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    minDirtyRatio: number('min.cleanable.dirty.ratio'),
  };
}

function listed(value: string): string[] {
  return value.trim() === '' ? [] : value.split(',').map((each) => each.trim());
}

function invalid(config: string, message: string): KitError {
  return new KitError('INVALID_CONFIG', message, { details: { config } });
}
