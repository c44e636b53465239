import { randomFillSync } from 'node:crypto';
import type { Clock } from '../clock.ts';

const RANDOM_BYTES_PER_ID = 10;
const POOLED_IDS = 256;
/** A new millisecond's counter starts in the lower half, so that at least 2,048 ids follow before it overflows. */
const COUNTER_START_MASK = 0x7ff;
const COUNTER_MAX = 0xfff;

/**
 * Makes UUIDv7 (RFC 9562, 5.7): ids of one maker ascend, also within a millisecond and when the clock goes back
 * (6.2, method 1: `rand_a` is a counter; on overflow the timestamp runs ahead).
 *
 * @param fillRandom fills a buffer with random bytes
 */
export function uuidV7Maker(
  clock: Pick<Clock, 'now'>,
  fillRandom: (target: Buffer) => void = (target) => void randomFillSync(target),
): () => string {
  const pool = Buffer.alloc(RANDOM_BYTES_PER_ID * POOLED_IDS);
  const id = Buffer.alloc(16);
  let at = pool.length;
  let timestamp = 0;
  let counter = 0;

  return () => {
    if (at === pool.length) {
      fillRandom(pool);
      at = 0;
    }
    const now = Math.floor(clock.now());
    if (now > timestamp) {
      timestamp = now;
      counter = pool.readUInt16BE(at) & COUNTER_START_MASK;
    } else if (++counter > COUNTER_MAX) {
      timestamp += 1;
      counter = pool.readUInt16BE(at) & COUNTER_START_MASK;
    }
    id.writeUIntBE(timestamp, 0, 6);
    id.writeUInt16BE(0x7000 | counter, 6);
    pool.copy(id, 8, at + 2, at + RANDOM_BYTES_PER_ID);
    id[8] = 0x80 | (id[8]! & 0x3f);
    at += RANDOM_BYTES_PER_ID;
    const hex = id.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}
