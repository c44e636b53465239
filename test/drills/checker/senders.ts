/** What callers do: publish, get an answer or none, send again, send rubbish. */
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { type Publish, partitionOf, type World } from './world.ts';

const LOADS = ['load-1', 'load-2'];
const CONTENTS = ['c1', 'c2', 'c3', 'c4'];
const USERS = ['ann', 'bob', 'cy'];
const METADATA = { source: '/drill', schema_version: '1' };

interface Sent {
  readonly eventId: string | null;
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, Buffer | null])[];
}

export class Senders {
  readonly #world: World;
  readonly #sent: Sent[] = [];
  readonly #acked: { readonly record: Sent; readonly entry: Publish }[] = [];
  readonly #sequences = new Map<string, number>();
  #events = 0;

  constructor(world: World) {
    this.#world = world;
  }

  step(): void {
    const { random } = this.#world;
    const earlier = this.#sent.length > 0 ? random.pick(this.#sent) : null;
    const kind = random.next();
    if (kind < 0.05) this.#send(this.#poison());
    else if (kind < 0.15 && earlier !== null) {
      this.#world.count('sent again');
      this.#send(earlier);
    } else if (kind < 0.18 && this.#acked.length > 0) this.#answerAgain();
    else {
      const event = this.#event();
      this.#send(event);
      // an impatient caller
      if (this.#world.chance(0.05)) this.#send(event);
    }
  }

  #send(record: Sent): void {
    const world = this.#world;
    this.#sent.push(record);
    const fate = world.random.next();
    const entry = this.#entry(record);
    const stored = fate < 0.86;
    if (stored) {
      // no key: any partition
      const partition =
        record.key === null ? world.random.integer(2) : partitionOf(record.topic, record.key.toString());
      const { offset } = world.append({ topic: record.topic, partition }, record);
      if (fate < 0.78) {
        Object.assign(entry, { outcome: 'acked', partition, offset, code: null });
        this.#acked.push({ record, entry });
        return;
      }
      world.count('unknown, stored');
    } else if (fate >= 0.93) {
      Object.assign(entry, { outcome: 'failed', code: 'RECORD_TOO_LARGE' });
      world.count('failed');
      return;
    } else world.count('unknown, not stored');
    Object.assign(entry, { outcome: 'unknown', code: 'DELIVERY_TIMEOUT' });
    if (world.chance(0.3)) entry.completedMs = null;
  }

  /** A request that is repeated gets the answer of the first. */
  #answerAgain(): void {
    const { record, entry } = this.#world.random.pick(this.#acked);
    if (record.eventId === null) return;
    const { partition, offset } = entry;
    Object.assign(this.#entry(record), { outcome: 'acked', partition, offset, code: null });
    this.#world.count('answered again');
  }

  #entry({ eventId, topic, key }: Sent): Publish {
    const world = this.#world;
    const process = world.random.pick(LOADS);
    const sequence = this.#sequences.get(process) ?? 0;
    this.#sequences.set(process, sequence + 1);
    const invokedMs = world.tick();
    return world.write({
      kind: 'publish',
      process,
      sequence,
      eventId,
      topic,
      key: String(key ?? ''),
      invokedMs,
      completedMs: invokedMs + world.random.next() * 50,
      outcome: 'unknown',
      partition: null,
      offset: null,
      code: null,
    });
  }

  #event(): Sent {
    const { random } = this.#world;
    this.#events += 1;
    const event_id = `e-${this.#events}`;
    const timestamp = new Date(1_700_000_000_000 + random.integer(1_000_000)).toISOString();
    const base = { event_id, timestamp, user_id: random.pick(USERS), metadata: METADATA };
    const content_id = random.pick(CONTENTS);
    const event = random.pick<SocialEvent>([
      { ...base, event_type: 'post_liked', content_id, data: {} },
      { ...base, event_type: 'post_liked', content_id, data: {} },
      { ...base, event_type: 'comment_added', content_id, data: { text: 'so true' } },
      { ...base, event_type: 'story_viewed', content_id, data: { duration_ms: 3 } },
      { ...base, event_type: 'user_registered', data: { handle: 'x' } },
      { ...base, event_type: 'profile_updated', data: { fields: ['bio'] } },
      { ...base, event_type: 'session_expired', data: {} },
    ]);
    const { topic, key, value, headers } = socialEventCodec.encode(event);
    return { eventId: event_id, topic, key: Buffer.from(key), value, headers };
  }

  #poison(): Sent {
    const { random } = this.#world;
    this.#world.count('poison');
    const key = random.pick([null, ...CONTENTS]);
    const value = random.pick([null, Buffer.from('{"not json'), Buffer.from('{"likes":"many"}')]);
    return {
      eventId: null,
      topic: 'content-interactions',
      key: key === null ? null : Buffer.from(key),
      value,
      headers: [],
    };
  }
}
