import { type RedisConnection, script } from '../stores/redis.ts';
import { FIRST_VERSIONS, type VersionPointer, type Versions } from './versions.ts';

/** KEYS pointer. ARGV expected, next, what an absent one stands for. Answers 1 or 0. */
const SWAP = script(`
if (redis.call('GET', KEYS[1]) or ARGV[3]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`);

/** At `<name>.__version`. Lost together with the documents, and then it is version 1 again that is built anew. */
export class RedisVersionPointer implements VersionPointer {
  readonly #redis: RedisConnection;
  readonly #key: string;

  /** @param redis the caller closes it */
  constructor(redis: RedisConnection, name: string) {
    this.#redis = redis;
    this.#key = `${name}.__version`;
  }

  async read(): Promise<Versions> {
    const text = await this.#redis.run((redis) => redis.get(this.#key));
    return text === null ? FIRST_VERSIONS : (JSON.parse(text) as Versions);
  }

  async compareAndSet(expected: Versions, next: Versions): Promise<boolean> {
    const texts = [expected, next, FIRST_VERSIONS].map((versions) => JSON.stringify(versions));
    return (await this.#redis.evaluate(SWAP, [this.#key], texts)) === 1;
  }
}
