/**
 * Seeded, realistic traffic: the same options give the same items, ids and times. Popularity of content is Zipf's,
 * times follow day and night over the 24 hours before `now`, all ten types occur, and a stated share is faulty.
 */
import type { NewRecord } from '../../kit/log/event-log.ts';
import { uuidV7Maker } from '../../kit/schemas/uuid-v7.ts';
import { CONTENT_INTERACTIONS, DEFINITIONS, EVENT_TYPES, type EventType } from './events.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

export interface TrafficOptions {
  readonly seed: number;
  /** Items in all, faulty ones included. */
  readonly events: number;
  /** Milliseconds since the epoch; no event is later. */
  readonly now: number;
  /** Of the content interactions, how many are unreadable records. Default 0.01. */
  readonly poisonShare?: number;
  /** Of the content interactions that are readable, how many fail at first. Default 0.01. */
  readonly flakyShare?: number;
}

export type TrafficItem =
  | {
      readonly kind: 'event';
      /** As `POST /api/v1/events` takes it. */
      readonly input: Readonly<Record<string, unknown>>;
      /** How many attempts to process it fail: 0 for a healthy event, `MAX_ATTEMPTS` for one that ends in the DLQ. */
      readonly flakyAttempts: number;
    }
  | { readonly kind: 'poison'; readonly topic: string; readonly record: NewRecord };

/** What share of the items each type has. The first ten items are one of each, so that small runs show all ten. */
export const TYPE_SHARES: Readonly<Record<EventType, number>> = {
  story_viewed: 0.36,
  post_liked: 0.3,
  comment_added: 0.12,
  content_shared: 0.05,
  post_created: 0.06,
  follow_initiated: 0.05,
  profile_updated: 0.02,
  user_registered: 0.02,
  content_moderated: 0.01,
  session_expired: 0.01,
};
export const DEFAULT_POISON_SHARE = 0.01;
export const DEFAULT_FLAKY_SHARE = 0.01;
/** Of the flaky events, how many fail until they are given up. */
export const EXHAUSTING_SHARE = 0.1;
/** Attempts before an event is given up (retry policy, `docs/DESIGN.md`). */
export const MAX_ATTEMPTS = 5;
/** The content of rank r is chosen in proportion to 1 / r^1.07. */
export const ZIPF_EXPONENT = 1.07;
/** Interactions that go to one of the newest posts instead. */
export const FRESH_SHARE = 0.15;
/** Traffic is 1 + 0.8 cos: nine times more at 18:00 UTC than at 06:00 UTC. */
export const PEAK_HOUR_UTC = 18;
export const DAY_NIGHT_SWING = 0.8;

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTES_PER_DAY = 1440;
const NEWEST_POSTS = 20;

const CHANNELS = ['story', 'direct', 'link', 'mail'];
const TAGS = ['travel', 'food', 'music', 'sport', 'news', 'art', 'code'];
const COMMENTS = [
  'Lovely!',
  'Where is this?',
  'I disagree, respectfully.',
  'So true',
  'Made my day 😄',
  'Merci beaucoup',
];
const PROFILE_FIELDS = ['display_name', 'bio', 'avatar', 'location'];

export function* generateTraffic(options: TrafficOptions): Generator<TrafficItem> {
  const { seed, events, now } = options;
  const { poisonShare = DEFAULT_POISON_SHARE, flakyShare = DEFAULT_FLAKY_SHARE } = options;
  const random = seededRandom(seed);
  const world = createWorld(events, random);
  const pickType = weighted(EVENT_TYPES.map((type) => TYPE_SHARES[type]));
  const timeOf = dayAndNight(now);
  let atMs = 0;
  const newId = uuidV7Maker({ now: () => atMs }, (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.integer(256);
  });

  for (let i = 0; i < events; i++) {
    const type = EVENT_TYPES[i < EVENT_TYPES.length ? i : pickType(random.next())]!;
    atMs = timeOf((i + random.next()) / events);
    const input = {
      event_id: newId(),
      event_type: type,
      timestamp: new Date(atMs).toISOString(),
      ...world.act(type),
    };
    const isFaultable = DEFINITIONS.get(type)!.topic === CONTENT_INTERACTIONS;
    if (isFaultable && random.next() < poisonShare) {
      yield poison(input, now, random);
    } else {
      const isFlaky = isFaultable && random.next() < flakyShare;
      yield { kind: 'event', input, flakyAttempts: isFlaky ? failures(random) : 0 };
    }
  }
}

function poison(input: Readonly<Record<string, unknown>>, now: number, random: SeededRandom): TrafficItem {
  return { kind: 'poison', topic: CONTENT_INTERACTIONS, record: poisonRecord(random.pick(POISON_KINDS), input, now) };
}

/** Puts an unreadable record in the place of a share of the content interactions; the same seed chooses the same ones. */
export async function* poisoned(
  items: AsyncIterable<TrafficItem>,
  { seed, poisonShare, now }: Required<Pick<TrafficOptions, 'seed' | 'poisonShare' | 'now'>>,
): AsyncGenerator<TrafficItem> {
  const random = seededRandom(seed);
  for await (const item of items) {
    const type = item.kind === 'event' ? (item.input.event_type as EventType) : null;
    const isFaultable = type !== null && DEFINITIONS.get(type)?.topic === CONTENT_INTERACTIONS;
    yield isFaultable && item.kind === 'event' && random.next() < poisonShare ? poison(item.input, now, random) : item;
  }
}

function failures(random: SeededRandom): number {
  return random.next() < EXHAUSTING_SHARE ? MAX_ATTEMPTS : 1 + random.integer(MAX_ATTEMPTS - 1);
}

/** An index in proportion to its weight; takes a number in [0, 1). */
function weighted(weights: readonly number[]): (at: number) => number {
  let total = 0;
  const sums = Float64Array.from(weights, (weight) => (total += weight));
  return (at) => {
    const target = at * total;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Maps [0, 1), ascending, to ascending times of the 24 h before `now`, denser where the day is busier. */
function dayAndNight(now: number): (at: number) => number {
  const start = now - DAY_MS;
  const sums: number[] = [0];
  for (let minute = 0; minute < MINUTES_PER_DAY; minute++) {
    const hour = ((start + minute * 60_000) % DAY_MS) / 3_600_000;
    const weight = 1 + DAY_NIGHT_SWING * Math.cos(((hour - PEAK_HOUR_UTC) / 24) * 2 * Math.PI);
    sums.push(sums[minute]! + weight);
  }
  let minute = 0;
  return (at) => {
    const target = at * sums[MINUTES_PER_DAY]!;
    while (minute < MINUTES_PER_DAY - 1 && sums[minute + 1]! <= target) minute++;
    const within = (target - sums[minute]!) / (sums[minute + 1]! - sums[minute]!);
    return Math.floor(start + (minute + within) * 60_000);
  };
}

interface World {
  /** Who does what to which content: the fields that depend on the type. */
  act(type: EventType): Readonly<Record<string, unknown>>;
}

/** One content per 20 events and one user per 10 exist before the day begins; the day adds more of both. */
function createWorld(events: number, random: SeededRandom): World {
  const oldContents = Math.min(100_000, Math.max(50, Math.ceil(events / 20)));
  const pickRank = weighted(Array.from({ length: oldContents }, (_, rank) => 1 / (rank + 1) ** ZIPF_EXPONENT));
  let contents = oldContents;
  let users = Math.max(100, Math.ceil(events / 10));

  // Squared: some users are far busier than others.
  const user = (): string => `u_${Math.floor(users * random.next() ** 2)}`;
  function content(): string {
    const fresh = contents > oldContents && random.next() < FRESH_SHARE;
    if (fresh) return `post_${contents - 1 - random.integer(Math.min(NEWEST_POSTS, contents - oldContents))}`;
    return `post_${pickRank(random.next())}`;
  }

  return {
    act(type) {
      switch (type) {
        case 'user_registered': {
          const id = users++;
          return { user_id: `u_${id}`, data: { handle: `user${id}`, display_name: `User ${id}` } };
        }
        case 'post_created': {
          const id = contents++;
          const tags = [random.pick(TAGS)];
          return { user_id: user(), content_id: `post_${id}`, data: { text: `Post number ${id}`, tags } };
        }
        case 'profile_updated':
          return { user_id: user(), data: { fields: [random.pick(PROFILE_FIELDS)] } };
        case 'follow_initiated':
          return { user_id: user(), data: { target_user_id: user() } };
        case 'comment_added': {
          const text = random.pick(COMMENTS);
          const comment_id = `c_${random.integer(2 ** 32).toString(36)}`;
          return { user_id: user(), content_id: content(), data: { comment_id, text, length: text.length } };
        }
        case 'post_liked':
          return { user_id: user(), content_id: content() };
        case 'content_shared':
          return { user_id: user(), content_id: content(), data: { channel: random.pick(CHANNELS) } };
        case 'story_viewed':
          return { user_id: user(), content_id: content(), data: { duration_ms: 200 + random.integer(15_000) } };
        case 'content_moderated': {
          const action = random.pick(['hidden', 'removed', 'restored']);
          return { user_id: user(), content_id: content(), data: { action, reason: 'reported' } };
        }
        case 'session_expired': {
          const session_id = `s_${random.integer(2 ** 32).toString(36)}`;
          return { user_id: user(), data: { session_id, reason: 'idle' } };
        }
      }
    },
  };
}

/** The ways to be unreadable, as a careless Kafka producer makes them. */
export const POISON_KINDS = ['truncated_json', 'wrong_types', 'missing_key', 'null_value'] as const;
export type PoisonKind = (typeof POISON_KINDS)[number];

/** @param input as `POST /api/v1/events` takes it, about content */
export function poisonRecord(kind: PoisonKind, input: Readonly<Record<string, unknown>>, now: number): NewRecord {
  const key = Buffer.from(String(input.content_id));
  const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const faulty: Readonly<Record<PoisonKind, () => Pick<NewRecord, 'key' | 'value'>>> = {
    truncated_json: () => ({ key, value: Buffer.from(JSON.stringify(input).slice(0, -20)) }),
    wrong_types: () => ({ key, value: bytes({ ...input, user_id: 42, likes: 'many' }) }),
    missing_key: () => ({ key: null, value: bytes(input) }),
    null_value: () => ({ key, value: null }),
  };
  return { ...faulty[kind](), headers: [], timestamp: now };
}
