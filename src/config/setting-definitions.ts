/** Every setting there is, once: its type, its names, its default. `docs/configuration.md` is compared with this table. */
import { type Static, type TSchema, Type } from 'typebox';

export interface Definition<T extends TSchema = TSchema> {
  readonly type: T;
  /** The canonical name first; the others mean the same. */
  readonly env: readonly [string, ...string[]];
  /** Long flag without dashes; null where there is none. */
  readonly flag: string | null;
  readonly short?: string;
  readonly default: Static<T>;
  /** Only from the environment or a file that `<NAME>_FILE` names, and never shown. */
  readonly secret?: true;
  readonly description: string;
}

function setting<T extends TSchema>(definition: Definition<T>): Definition<T> {
  return definition;
}

export const HANDLER_NAMES = [
  'engagement',
  'activity',
  'feed',
  'notifications',
  'analytics',
  'moderation',
  'sessions',
] as const;

const Port = Type.Integer({ minimum: 0, maximum: 65_535 });
const Host = Type.String({ minLength: 1, pattern: '^\\S+$' });
const ServerList = Type.Array(Type.String({ pattern: '^\\S+:\\d{1,5}$' }), { minItems: 1 });

export const definitions = {
  dataDir: setting({
    type: Type.String({ minLength: 1 }),
    env: ['STREAMSOCIAL_DATA_DIR'],
    flag: 'data-dir',
    default: '.streamsocial',
    description:
      'Folder of the embedded log, the projections and the development cluster; relative to the working directory.',
  }),
  log: setting({
    type: Type.Enum(['embedded', 'kafka']),
    env: ['STREAMSOCIAL_LOG'],
    flag: 'log',
    default: 'embedded',
    description: '`embedded` keeps log and projections in SQLite files; `kafka` uses Apache Kafka and Redis.',
  }),
  preset: setting({
    type: Type.Enum(['local', 'curriculum']),
    env: ['STREAMSOCIAL_PRESET'],
    flag: 'preset',
    default: 'local',
    description:
      'Partitions of the topics when they are created: 12 / 6 / 3 (`local`) or 1000 / 500 / 3 (`curriculum`).',
  }),
  logLevel: setting({
    type: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    env: ['STREAMSOCIAL_LOG_LEVEL'],
    flag: 'log-level',
    default: 'info',
    description: 'The least severe log line that is written.',
  }),
  webHost: setting({
    type: Host,
    env: ['STREAMSOCIAL_WEB_HOST', 'WEB_HOST'],
    flag: 'web-host',
    default: '127.0.0.1',
    description: 'Address that the HTTP server listens on. Any other than a loopback address requires `authToken`.',
  }),
  webPort: setting({
    type: Port,
    env: ['STREAMSOCIAL_WEB_PORT', 'WEB_PORT'],
    flag: 'web-port',
    default: 8765,
    description: 'Port of the HTTP server; 0 takes a free one.',
  }),
  authToken: setting({
    type: Type.Union([Type.String({ minLength: 16, pattern: '^[\\x21-\\x7e]+$' }), Type.Null()]),
    env: ['STREAMSOCIAL_AUTH_TOKEN'],
    flag: null,
    default: null,
    secret: true,
    description:
      'Bearer token that requests must carry, at least 16 visible ASCII characters. Without it none is asked for.',
  }),
  brokerPort: setting({
    type: Type.Union([Port, Type.Literal('off')]),
    env: ['STREAMSOCIAL_BROKER_PORT'],
    flag: 'broker-port',
    default: 9092,
    description:
      "Port where the embedded log speaks Kafka's protocol, on 127.0.0.1 only; 0 takes a free one, `off` none at all.",
  }),
  brokerAutoCreateTopics: setting({
    type: Type.Boolean(),
    env: ['STREAMSOCIAL_BROKER_AUTO_CREATE_TOPICS'],
    flag: 'broker-auto-create-topics',
    default: true,
    description: 'Whether a client of the embedded log that asks for a missing topic creates it, with one partition.',
  }),
  kafkaBootstrap: setting({
    type: ServerList,
    env: ['STREAMSOCIAL_KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BOOTSTRAP_SERVERS'],
    flag: 'bootstrap',
    short: 'b',
    default: ['127.0.0.1:9092', '127.0.0.1:9093', '127.0.0.1:9094'],
    description: 'Kafka brokers to begin with, `host:port`, separated by commas.',
  }),
  kafkaGroupId: setting({
    type: Type.String({ minLength: 1, maxLength: 249 }),
    env: ['STREAMSOCIAL_KAFKA_GROUP_ID', 'KAFKA_GROUP_ID'],
    flag: 'group-id',
    default: 'streamsocial-engagement',
    description: 'Consumer group of the engagement projection.',
  }),
  redisHost: setting({
    type: Host,
    env: ['STREAMSOCIAL_REDIS_HOST', 'REDIS_HOST'],
    flag: 'redis-host',
    default: '127.0.0.1',
    description: 'Redis of the projections, used with `log: kafka`.',
  }),
  redisPort: setting({
    type: Port,
    env: ['STREAMSOCIAL_REDIS_PORT', 'REDIS_PORT'],
    flag: 'redis-port',
    default: 6379,
    description: 'Port of Redis.',
  }),
  redisDb: setting({
    type: Type.Integer({ minimum: 0, maximum: 15 }),
    env: ['STREAMSOCIAL_REDIS_DB', 'REDIS_DB'],
    flag: 'redis-db',
    default: 0,
    description: 'Number of the database in Redis.',
  }),
  producerDeliveryTimeoutMs: setting({
    type: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }),
    env: ['STREAMSOCIAL_PRODUCER_DELIVERY_TIMEOUT_MS'],
    flag: 'producer-delivery-timeout-ms',
    default: 120_000,
    description: 'How long a batch is retried before its events fail.',
  }),
  consumerHandlers: setting({
    type: Type.Array(Type.Enum(HANDLER_NAMES), { minItems: 1, uniqueItems: true }),
    env: ['STREAMSOCIAL_CONSUMER_HANDLERS'],
    flag: 'handlers',
    default: [...HANDLER_NAMES],
    description:
      'Which handlers this process runs, separated by commas; on Kafka any number of processes share the work of each.',
  }),
  notificationsWebhookUrl: setting({
    type: Type.Union([Type.String({ maxLength: 2_048, pattern: '^https?://\\S+$' }), Type.Null()]),
    env: ['STREAMSOCIAL_NOTIFICATIONS_WEBHOOK_URL'],
    flag: null,
    default: null,
    secret: true,
    description: 'Where every notification is sent by POST, at least once, as JSON; without it none is sent.',
  }),
  consumerRetryAttempts: setting({
    type: Type.Integer({ minimum: 1, maximum: 100 }),
    env: ['STREAMSOCIAL_CONSUMER_RETRY_ATTEMPTS'],
    flag: 'consumer-retry-attempts',
    default: 5,
    description: 'Attempts at an event that fails for a passing reason before it goes to the dead letter queue.',
  }),
  consumerRetryBaseMs: setting({
    type: Type.Integer({ minimum: 1, maximum: 3_600_000 }),
    env: ['STREAMSOCIAL_CONSUMER_RETRY_BASE_MS'],
    flag: 'consumer-retry-base-ms',
    default: 200,
    description: 'Wait before the second attempt; doubled, with jitter, before each later one.',
  }),
  consumerDedupHours: setting({
    type: Type.Number({ minimum: 0, maximum: 24 * 365 }),
    env: ['STREAMSOCIAL_CONSUMER_DEDUP_HOURS'],
    flag: 'consumer-dedup-hours',
    default: 24,
    description: 'How long an event id is remembered, so that its repetition counts once.',
  }),
};

export type SettingKey = keyof typeof definitions;

export type Settings = { readonly [K in SettingKey]: Readonly<Static<(typeof definitions)[K]['type']>> };

export const settingKeys = Object.keys(definitions) as SettingKey[];

/** The settings file: `--settings-file`, this variable, or `streamsocial.json` in the working directory if it is there. */
export const CONFIG_FILE_ENV = 'STREAMSOCIAL_CONFIG';
export const CONFIG_FILE_NAME = 'streamsocial.json';

/** Every environment variable that is read, canonical names, aliases and `_FILE` forms. */
export function environmentNames(): string[] {
  const names = settingKeys.flatMap((key) => {
    const { env, secret } = definitions[key] as Definition;
    return secret ? env.flatMap((name) => [name, `${name}_FILE`]) : env;
  });
  return [...names, CONFIG_FILE_ENV];
}
