/**
 * Which partition a key belongs to, as Java's default partitioner decides it, so that records keyed by any Kafka client
 * land beside ours. Source: `org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey` and
 * `org.apache.kafka.common.utils.Utils.murmur2`.
 *
 * @platformatic/kafka exports a murmur2 too; it computes in BigInt and takes 1.3 us for 20 bytes and 6 us for 256
 * where this takes 0.04 and 0.13. A test holds the two, and Java's answers, against each other.
 */
import { KitError } from '../errors.ts';

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** The signed 32-bit hash. */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    const mixed = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M);
  }
  if (at < length) {
    for (let tail = length - 1; tail >= at; tail--) hash ^= data[tail]! << (8 * (tail - at));
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/**
 * @param key text is hashed as UTF-8
 * @throws KitError INVALID_ARGUMENT unless `partitions` is a positive integer
 */
export function partitionFor(key: string | Uint8Array, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new KitError('INVALID_ARGUMENT', `partitions must be a positive integer, not ${partitions}`);
  }
  return hashOfKey(key) % partitions;
}

/** Its remainder by the number of partitions is the partition. @param key text is hashed as UTF-8 */
export function hashOfKey(key: string | Uint8Array): number {
  // Java's toPositive clears the sign bit; it is not Math.abs.
  return murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff;
}
