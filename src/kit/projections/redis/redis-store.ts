import { randomUUID } from 'node:crypto';
import { KitError } from '../../errors.ts';
import type { TopicPartition } from '../../log/event-log.ts';
import { type RedisAddress, RedisConnection } from '../../stores/redis.ts';
import { MAX_EACH, shapeConflict, tooWide } from '../changes.ts';
import { checkKeys, compareBytes, conflict, type FieldValue, fieldFromText, greatest, toDocument } from '../deltas.ts';
import type { StoreImage } from '../embedded/sqlite-image.ts';
import {
  type ApplyBatch,
  type ApplyOutcome,
  DEFAULT_WINDOW,
  type DeduplicationWindow,
  type Document,
  type KeyPage,
  type KeyQuery,
  type ParkedRecord,
  type PartitionClaim,
  type PartitionState,
  type ProjectionStore,
} from '../projection-store.ts';
import { batchText } from './apply-batch.ts';
import { APPLY } from './apply-script.ts';
import { CLAIM, CLEAR_BEGIN, CLEAR_END, CLEAR_PAGE, READ_MANY } from './scripts.ts';

const PAGE = 500;
/** Documents that one script reads, while Redis does nothing else. */
const READ_CHUNK = 128;
/** Keys of all projections and versions that one SCAN looks at, and SCANs of one answer. */
const SCAN_COUNT = 500;
const MAX_SCANS = 80;

/**
 * A projection in Redis. Documents are hashes at `<name>:<key>`, readable with HGETALL; bookkeeping is at
 * `<name>.__state:<topic>:<partition>` (hash), `.__seen:` (sorted set of event ids by time), `.__parked:` (hash by offset)
 * `<name>.__partitions` (set) and, while it is being cleared, `<name>.__clearing`. A document of `keep`, `period` or `top`
 * tells so in its field ''; one of `keep` may hold up to twice as many fields as it keeps, of which readers see the greatest.
 * One server or a replicated one; not Redis Cluster, where keys of one script live together.
 *
 * When Redis loses its data, owners are `fenced` with an epoch *below* their own: they claim again, get `next` null and
 * rebuild from the log. When it falls back to a snapshot, position and effects fall back together.
 */
export class RedisProjectionStore implements ProjectionStore {
  readonly name: string;
  readonly #redis: RedisConnection;
  readonly #ownsConnection: boolean;
  readonly #window: DeduplicationWindow;

  /**
   * @param options an address, or a connection that the caller shares and closes
   * @throws KitError INVALID_STORE_NAME
   */
  static async open(
    options: ({ connection: RedisConnection } | RedisAddress) & { name: string; window?: DeduplicationWindow },
  ): Promise<RedisProjectionStore> {
    if (!/^[a-z0-9][a-z0-9_-]*$/i.test(options.name)) {
      throw new KitError('INVALID_STORE_NAME', `${options.name}: letters, digits, - and _ only, it begins every key`);
    }
    const shared = 'connection' in options;
    const redis = shared ? options.connection : await RedisConnection.open(options);
    return new RedisProjectionStore(redis, !shared, options.name, options.window ?? DEFAULT_WINDOW);
  }

  private constructor(redis: RedisConnection, ownsConnection: boolean, name: string, window: DeduplicationWindow) {
    this.name = name;
    this.#redis = redis;
    this.#ownsConnection = ownsConnection;
    this.#window = window;
  }

  #key(kind: 'state' | 'seen' | 'parked', partition: string): string {
    return `${this.name}.__${kind}:${partition}`;
  }

  get #clearing(): string {
    return `${this.name}.__clearing`;
  }

  get #partitions(): string {
    return `${this.name}.__partitions`;
  }

  #keys({ topic, partition }: TopicPartition): string[] {
    const id = `${topic}:${partition}`;
    return [this.#key('state', id), this.#key('seen', id), this.#key('parked', id), this.#clearing];
  }

  /** @throws KitError STORE_MAY_EVICT when Redis is set to drop documents under memory pressure; STORE_UNAVAILABLE */
  async claim(partition: TopicPartition): Promise<PartitionClaim> {
    await this.#refuseEviction();
    const keys = [...this.#keys(partition), this.#partitions];
    const attempt = () => this.#redis.evaluate(CLAIM, keys, [`${partition.topic}:${partition.partition}`]);
    let answer = await attempt();
    if (answer === 'clearing') {
      await this.clear();
      answer = await attempt();
    }
    if (answer === 'clearing') throw this.#beingCleared();
    const [epoch, next, records] = answer as [string, string | null, string[]];
    return { epoch: Number(epoch), next: next === null ? null : Number(next), parked: parkedRecords(records) };
  }

  async #refuseEviction(): Promise<void> {
    const info = await this.#redis.run((redis) => redis.info('memory'));
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
    if (policy.startsWith('allkeys') && !/^maxmemory:0\s/m.test(info)) {
      throw new KitError('STORE_MAY_EVICT', `Redis would drop documents (maxmemory-policy ${policy}): set noeviction`);
    }
  }

  async apply(batch: ApplyBatch): Promise<ApplyOutcome> {
    const answer = await this.#redis.evaluate(APPLY, this.#keys(batch), [
      `${this.name}:`,
      batch.epoch,
      batch.expect ?? '',
      batch.next,
      batch.dead,
      batch.now,
      batch.now - this.#window.windowMs,
      this.#window.maxIdsPerPartition,
      MAX_EACH,
      `${this.name}.__sorting`,
      batchText(batch),
    ]);
    const [status, detail, field] = answer as [string, string | number[], string];
    if (status === 'fenced') return { status, epoch: Number(detail) };
    if (status === 'mismatch') return { status, next: detail === '' ? null : Number(detail) };
    if (status === 'clearing') throw this.#beingCleared();
    if (status === 'invalid') throw field === '' ? shapeConflict(String(detail)) : conflict(String(detail), field);
    if (status === 'wide') throw tooWide(String(detail));
    return { status: 'ok', duplicates: (detail as number[]).map((index) => batch.effects[index - 1]!.offset) };
  }

  async get(key: string): Promise<Document | null> {
    const fields = await this.#redis.run((redis) => redis.hgetall(`${this.name}:${key}`));
    return documentOf(Object.entries(fields).flat());
  }

  async getMany(keys: readonly string[]): Promise<(Document | null)[]> {
    checkKeys(keys);
    const chunks: string[][] = [];
    for (let at = 0; at < keys.length; at += READ_CHUNK)
      chunks.push(keys.slice(at, at + READ_CHUNK).map((key) => `${this.name}:${key}`));
    const answers = await Promise.all(chunks.map((chunk) => this.#redis.evaluate(READ_MANY, chunk, [])));
    const documents = answers.flatMap((answer) => JSON.parse(answer as string) as (string[] | object)[]);
    return documents.map((flat) => (Array.isArray(flat) ? documentOf(flat) : null));
  }

  async keys({ prefix, limit, cursor = '0' }: KeyQuery): Promise<KeyPage> {
    if (!/^\d{1,20}$/.test(cursor)) throw new KitError('INVALID_ARGUMENT', `cursor ${cursor}: no answer gave it`);
    const start = `${this.name}:`;
    const pattern = `${(start + prefix).replace(/[\\*?[\]^-]/g, '\\$&')}*`;
    const found = new Set<string>();
    let at = cursor;
    for (let round = 0; round < MAX_SCANS && found.size < limit; round++) {
      const [next, keys] = await this.#redis.run((redis) => redis.scan(at, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
      for (const key of keys) found.add(key.slice(start.length));
      at = next;
      if (at === '0') break;
    }
    return { keys: [...found], cursor: at === '0' ? null : at };
  }

  async parked({ topic, partition }: TopicPartition): Promise<readonly ParkedRecord[]> {
    const records = await this.#redis.run((redis) => redis.hvals(this.#key('parked', `${topic}:${partition}`)));
    return parkedRecords(records);
  }

  async partitions(): Promise<PartitionState[]> {
    const ids = await this.#redis.run((redis) => redis.smembers(this.#partitions));
    const states = await Promise.all(ids.map((id) => this.#state(id)));
    return states.sort((a, b) => compareBytes(a.topic, b.topic) || a.partition - b.partition);
  }

  async #state(id: string): Promise<PartitionState> {
    const [state, parked] = await this.#redis.run(async (redis) => {
      // MULTI: tallies, position and parked count are of one moment.
      const replies = await redis.multi().hgetall(this.#key('state', id)).hlen(this.#key('parked', id)).exec();
      return replies!.map(([error, reply]) => {
        if (error !== null) throw error;
        return reply;
      }) as [Record<string, string>, number];
    });
    const count = (name: string) => Number(state[name] ?? 0);
    const colon = id.lastIndexOf(':');
    return {
      topic: id.slice(0, colon),
      partition: Number(id.slice(colon + 1)),
      epoch: count('epoch'),
      next: state.next === undefined ? null : Number(state.next),
      tallies: { applied: count('applied'), duplicates: count('duplicates'), dead: count('dead') },
      parked,
    };
  }

  /** Holds every key in memory to sort them (about 100 bytes each), documents by the page. */
  async *documents(): AsyncGenerator<readonly [string, Document]> {
    const prefix = `${this.name}:`;
    const found = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await this.#redis.run((redis) =>
        redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', PAGE, 'TYPE', 'hash'),
      );
      for (const key of page) found.add(key.slice(prefix.length));
      cursor = next;
    } while (cursor !== '0');
    const keys = [...found].sort(compareBytes);
    for (let from = 0; from < keys.length; from += PAGE) {
      const page = keys.slice(from, from + PAGE);
      const documents = await this.getMany(page);
      for (const [i, document] of documents.entries())
        if (document !== null) yield [page[i]!, toDocument(Object.entries(document))];
    }
  }

  /** In steps; meanwhile owners get STORE_UNAVAILABLE. Should this process end halfway, the next claim goes on with it. */
  async clear(): Promise<void> {
    const token = (await this.#redis.evaluate(CLEAR_BEGIN, [this.#clearing], [randomUUID()])) as string;
    let cursor: unknown = '0';
    do {
      cursor = await this.#redis.evaluate(CLEAR_PAGE, [this.#clearing], [token, String(cursor), `${this.name}:*`]);
    } while (cursor !== '0');
    const prefixes = [this.#key('state', ''), this.#key('seen', ''), this.#key('parked', '')];
    await this.#redis.evaluate(CLEAR_END, [this.#clearing, this.#partitions], [token, ...prefixes]);
  }

  /** Fills an empty projection; whoever claims a partition of it meanwhile finds half of it. */
  async restore(image: StoreImage): Promise<void> {
    const write = (commands: readonly (readonly (string | number)[])[]) =>
      this.#redis.run(async (redis) => {
        for (const [error] of (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [])
          if (error !== null) throw error;
      });
    for (const page of inPages(image.documents(), PAGE))
      await write(
        page.map(({ key, fields, shape }) => [
          'hset',
          `${this.name}:${key}`,
          ...Object.entries(fields).flat(),
          ...(shape === '' ? [] : ['', shape]),
        ]),
      );
    for (const { topic, partition, at, ids } of image.seen())
      for (const page of inPages(ids, PAGE))
        await write([['zadd', this.#key('seen', `${topic}:${partition}`), ...page.flatMap((id) => [at, id])]]);
    for (const { topic, partition, next, tallies } of image.partitions()) {
      if (next === null) continue;
      const { applied, duplicates, dead } = tallies;
      const state = ['next', next, 'applied', applied, 'duplicates', duplicates, 'dead', dead];
      const id = `${topic}:${partition}`;
      await write([
        ['sadd', this.#partitions, id],
        ['hset', this.#key('state', id), ...state],
      ]);
    }
  }

  /** Forgets everything, epochs too: for what nobody will ever open again. */
  async drop(): Promise<void> {
    await this.clear();
    const ids = await this.#redis.run((redis) => redis.smembers(this.#partitions));
    const keys = [this.#partitions, ...ids.map((id) => this.#key('state', id))];
    await this.#redis.run((redis) => redis.unlink(keys));
  }

  #beingCleared(): KitError {
    return new KitError('STORE_UNAVAILABLE', `${this.name} is being cleared`, { retriable: true });
  }

  async close(): Promise<void> {
    if (this.#ownsConnection) await this.#redis.close();
  }
}

/** From names and values in turns. The field '' is the script's own; of a document of `keep` more may be stored than it has. */
function documentOf(flat: readonly string[]): Document | null {
  const document: Record<string, FieldValue> = {};
  let shape = '';
  let count = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (name === '') {
      shape = flat[i + 1]!;
    } else {
      define(document, name, fieldFromText(flat[i + 1]!));
      count++;
    }
  }
  if (count === 0) return null;
  const keep = shape.startsWith('keep ') ? Number(shape.slice('keep '.length)) : count;
  return count > keep ? Object.fromEntries(greatest(Object.entries(document), keep)) : document;
}

/** Plain assignment would lose a field named `__proto__`. */
function define(document: Record<string, FieldValue>, name: string, value: FieldValue): void {
  if (name !== '__proto__') document[name] = value;
  else Object.defineProperty(document, name, { value, enumerable: true, configurable: true, writable: true });
}

function* inPages<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let page: T[] = [];
  for (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function parkedRecords(texts: readonly string[]): ParkedRecord[] {
  return texts.map((text) => JSON.parse(text) as ParkedRecord).sort((a, b) => a.offset - b.offset);
}
