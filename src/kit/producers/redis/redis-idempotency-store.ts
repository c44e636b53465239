import { type RedisAddress, RedisConnection, script } from '../../stores/redis.ts';
import {
  DEFAULT_BOUNDS,
  type IdempotencyBounds,
  type IdempotencyOptions,
  type IdempotencyRecord,
  IdempotencyStore,
  type IdempotencyTable,
} from '../idempotency-store.ts';

/** KEYS answers, order. ARGV end of the window, entries at most, records as JSON: [[key, text, at], ...]. */
const STORE = script(`
local records = cjson.decode(ARGV[3])
for _, record in ipairs(records) do
  redis.call('HSET', KEYS[1], record[1], record[2])
  redis.call('ZADD', KEYS[2], record[3], record[1])
end
local surplus = math.max(redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1]), redis.call('ZCARD', KEYS[2]) - ARGV[2])
surplus = math.min(surplus, 2 * #records + 100)
if surplus > 0 then
  local popped = redis.call('ZPOPMIN', KEYS[2], surplus)
  for i = 1, #popped, 2 do redis.call('HDEL', KEYS[1], popped[i]) end
end
`);

/** Answers in Redis: a hash `<name>.__answers` and a sorted set `<name>.__order` by time. Shared by all processes. */
export const RedisIdempotencyStore = {
  /** @param options an address, or a connection that the caller shares and closes; `name` is `idempotency` unless given */
  async open(
    options: ({ connection: RedisConnection } | RedisAddress) & {
      name?: string;
      bounds?: IdempotencyBounds;
    } & IdempotencyOptions,
  ): Promise<IdempotencyStore> {
    const shared = 'connection' in options;
    const redis = shared ? options.connection : await RedisConnection.open(options);
    const { name = 'idempotency', bounds = DEFAULT_BOUNDS } = options;
    return new IdempotencyStore(new RedisTable(redis, !shared, name, bounds), options);
  },
};

class RedisTable implements IdempotencyTable {
  readonly #redis: RedisConnection;
  readonly #ownsConnection: boolean;
  readonly #answers: string;
  readonly #order: string;
  readonly #bounds: IdempotencyBounds;

  constructor(redis: RedisConnection, ownsConnection: boolean, name: string, bounds: IdempotencyBounds) {
    this.#redis = redis;
    this.#ownsConnection = ownsConnection;
    this.#answers = `${name}.__answers`;
    this.#order = `${name}.__order`;
    this.#bounds = bounds;
  }

  async lookup(keys: readonly string[], now: number): Promise<(IdempotencyRecord | null)[]> {
    const texts = await this.#redis.run((redis) => redis.hmget(this.#answers, ...keys));
    return texts.map((text) => {
      const record = text === null ? null : (JSON.parse(text) as IdempotencyRecord);
      return record !== null && record.at > now - this.#bounds.windowMs ? record : null;
    });
  }

  async store(records: readonly IdempotencyRecord[], now: number): Promise<void> {
    const json = JSON.stringify(records.map((record) => [record.key, JSON.stringify(record), record.at]));
    const args = [now - this.#bounds.windowMs, this.#bounds.maxEntries, json];
    await this.#redis.evaluate(STORE, [this.#answers, this.#order], args);
  }

  async close(): Promise<void> {
    if (this.#ownsConnection) await this.#redis.close();
  }
}
