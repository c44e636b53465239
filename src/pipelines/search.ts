/** Finds what a few characters may mean: ids exactly, names by a part of them. Every hit was looked up, and is there. */
import type { SocialEvent } from '../domains/social/events.ts';
import { followersOf, followingOf, postsOf, timelineOf } from '../domains/social/feed.ts';
import type { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import { isKitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { ClusterReport } from '../kit/monitoring/cluster-report.ts';
import type { Document } from '../kit/projections/projection-store.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { isId } from '../kit/schemas/formats.ts';
import { type ActsLooked, newestActOf } from './acting-user.ts';
import { type EventFinder, placeOf } from './journey/event-finder.ts';
import { PROJECTION_NAMES, type Projection, type ProjectionName, type StateReader } from './projection.ts';

export const HIT_KINDS = ['event', 'user', 'content', 'topic', 'group', 'document', 'dead_letter'] as const;

export interface Hit {
  readonly kind: (typeof HIT_KINDS)[number];
  readonly title: string;
  readonly detail: string;
  /** Of the page. */
  readonly link: string;
}

export interface SearchAnswer {
  readonly hits: readonly Hit[];
  /** Kinds that could not be looked up in time, or at all now. */
  readonly missing: readonly Hit['kind'][];
  /** How much of the log was looked through for a user that no projection has anything of; null where it was not. */
  readonly looked: Pick<ActsLooked, 'records' | 'complete'> | null;
}

export interface SearchParts {
  readonly log: Pick<EventLog, 'read' | 'describe' | 'listOffsets'>;
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly state: Readonly<Record<ProjectionName, StateReader>>;
  readonly finder: Pick<EventFinder, 'find'>;
  readonly deadLetters: Pick<DeadLetterQueue, 'list'>;
  readonly projections: readonly Projection[];
  readonly health: () => Promise<Pick<ClusterReport, 'topics' | 'groups'>>;
}

const MAX_MS = 180;
const MAX_PER_KIND = 5;

type Look = (looked: ActsLooked) => void;
type Source = readonly [kind: Hit['kind'], find: (text: string, signal: AbortSignal, look: Look) => Promise<Hit[]>];

export class Search {
  readonly #parts: SearchParts;
  readonly #sources: readonly Source[];

  constructor(parts: SearchParts) {
    this.#parts = parts;
    this.#sources = [
      ['event', (text, signal) => this.#events(text, signal)],
      ['content', (text) => this.#contents(text)],
      ['user', (text, signal, look) => this.#users(text, signal, look)],
      ['topic', (text) => this.#topics(text)],
      ['group', (text) => this.#groups(text)],
      ['dead_letter', (text) => this.#deadLetters(text)],
      ['document', (text) => this.#documents(text)],
    ];
  }

  /** Answers after `MAX_MS` at the latest, with what is known by then. */
  async find(text: string, signal: AbortSignal): Promise<SearchAnswer> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(MAX_MS)]);
    const missing: Hit['kind'][] = [];
    let looked: SearchAnswer['looked'] = null;
    const look: Look = ({ records, complete }) => {
      looked = { records, complete };
    };
    const found = await Promise.all(
      this.#sources.map(async ([kind, find]) => {
        const hits = await unlessLate(find(text, limit, look), limit);
        if (hits === null) missing.push(kind);
        return hits ?? [];
      }),
    );
    signal.throwIfAborted();
    const hits = found.flatMap((own) => own.slice(0, MAX_PER_KIND));
    // a content is a document too
    const links = new Set<string>();
    return { hits: hits.filter(({ link }) => !links.has(link) && links.add(link)), missing, looked };
  }

  async #events(text: string, signal: AbortSignal): Promise<Hit[]> {
    if (!isId(text)) return [];
    const { finder } = this.#parts;
    try {
      const { places } = await finder.find(text, { signal, effort: 'quick' });
      const [first] = places;
      const isPlace = placeOf(text) !== null;
      const where = `${first!.topic} partition ${first!.partition} offset ${first!.offset}`;
      return [hit('event', text, isPlace ? 'a record of the log' : `stored at ${where}`, '/journey', text)];
    } catch (error) {
      if (isKitError(error, 'UNKNOWN_EVENT')) return [];
      throw error;
    }
  }

  async #contents(text: string): Promise<Hit[]> {
    if (!isId(text)) return [];
    const { engagement, moderation, notifications } = this.#parts.state;
    const [counters, moderated, author] = await Promise.all([
      engagement.get(text),
      moderation.get(text),
      notifications.get(`author/${text}`),
    ]);
    if (counters !== null) {
      const { likes = 0, comments = 0, shares = 0, views = 0 } = counters;
      const counted = [many(likes, 'like'), many(comments, 'comment'), many(shares, 'share'), many(views, 'view')];
      const detail = counted.join(', ');
      return [hit('content', text, detail, '/state', 'engagement', text)];
    }
    if (moderated !== null) return [hit('content', text, 'moderated', '/state', 'moderation', text)];
    if (author === null) return [];
    const by = Object.keys(author).join(', ');
    return [hit('content', text, `posted by ${by}`, '/state', 'notifications', `author/${text}`)];
  }

  /**
   * Users that a projection has something of: who registered, posted, follows, is followed, is told something or had a session.
   * Who only reacts to others has no document: the newest records are looked through.
   */
  async #users(text: string, signal: AbortSignal, look: Look): Promise<Hit[]> {
    if (!isId(text)) return [];
    const { feed, notifications, analytics, sessions } = this.#parts.state;
    const feedKeys = [postsOf(text), followersOf(text), followingOf(text), timelineOf(text)];
    const [ofFeed, [inbox, settings], registered, session] = await Promise.all([
      feed.getMany(feedKeys),
      notifications.getMany([`inbox/${text}`, `settings/${text}`]),
      analytics.get(`registered/${text}`),
      sessions.get(text),
    ]);
    const places = [
      ...feedKeys.map((key, index) => ['feed', key, ofFeed[index]] as const),
      ['notifications', `inbox/${text}`, inbox] as const,
      ['analytics', `registered/${text}`, registered] as const,
      ['sessions', text, session] as const,
      ['notifications', `settings/${text}`, settings] as const,
    ];
    const [shown] = places.filter(([, , document]) => sizeOf(document) > 0);
    if (shown === undefined) return this.#actingUsers(text, signal, look);
    const [posts, followers, following] = ofFeed.map(sizeOf) as [number, number, number];
    const detail = `${many(posts, 'post')}, ${many(followers, 'follower')}, follows ${following}, ${many(sizeOf(inbox), 'notification')}`;
    return [hit('user', text, detail, '/state', shown[0], shown[1])];
  }

  async #actingUsers(text: string, signal: AbortSignal, look: Look): Promise<Hit[]> {
    const { log, codec } = this.#parts;
    const looked = await newestActOf(log, codec, text, signal);
    look(looked);
    if (looked.newest === null) return [];
    const { event, record } = looked.newest;
    const about = 'content_id' in event ? ` of ${event.content_id}` : '';
    const acted = hit(
      'user',
      text,
      `last known to do: ${event.event_type}${about}, ${event.timestamp}`,
      '/topics',
      record.topic,
    );
    return [{ ...acted, link: `${acted.link}?text=${encodeURIComponent(text)}` }];
  }

  async #topics(text: string): Promise<Hit[]> {
    const { topics } = await this.#parts.health();
    return named(topics, ({ name }) => name, text).map(({ name, partitions }) => {
      const records = partitions.reduce(
        (sum, { start_offset, end_offset }) => sum + Math.max(0, end_offset - Math.max(0, start_offset)),
        0,
      );
      return hit('topic', name, `${many(partitions.length, 'partition')}, ${many(records, 'record')}`, '/topics', name);
    });
  }

  async #groups(text: string): Promise<Hit[]> {
    const { groups } = await this.#parts.health();
    const { projections } = this.#parts;
    return named(groups, ({ group }) => group, text).map(({ group, lag }) => {
      const handler = projections.find((one) => one.group === group);
      const moves = handler === undefined ? '' : `moves ${handler.name}, `;
      return hit('group', group, `${moves}lag ${lag}`, '/consumers', group);
    });
  }

  async #deadLetters(text: string): Promise<Hit[]> {
    const { deadLetters } = this.#parts;
    const code = text.toUpperCase();
    const [{ entries }, coded] = await Promise.all([
      deadLetters.list({ text, replayed: 'all', limit: MAX_PER_KIND }),
      deadLetters.list({ code, replayed: 'all', limit: 1 }),
    ]);
    const ofCode: Hit = {
      kind: 'dead_letter',
      title: code,
      detail: `${many(coded.matching, 'dead letter')} of this code`,
      link: `/failures/letters?code=${encodeURIComponent(code)}`,
    };
    const found = entries.map(({ id, code, reason }) =>
      hit('dead_letter', id, `${code}: ${reason}`, '/failures', 'letters', id),
    );
    return coded.matching === 0 ? found : [ofCode, ...found];
  }

  /** `projection/key`, a key of whichever projection has it, or a projection's name. */
  async #documents(text: string): Promise<Hit[]> {
    const { state } = this.#parts;
    const names = PROJECTION_NAMES.filter((name) => name.includes(text.toLowerCase()));
    const [, name, key] = /^([a-z]+)\/(.+)$/s.exec(text) ?? [];
    const isNamed = (one: string | undefined): one is ProjectionName => PROJECTION_NAMES.some((known) => known === one);
    const asked = PROJECTION_NAMES.map((one) => [one, text] as const);
    const all = isNamed(name) && key !== undefined ? [[name, key] as const, ...asked] : asked;
    const found = await Promise.all(
      all.map(async ([one, of]) => ((await state[one].get(of)) === null ? [] : [[one, of] as const])),
    );
    return [
      ...found.flat().map(([one, of]) => hit('document', of, `in ${one}`, '/state', one, of)),
      ...names.map((one) => hit('document', one, 'a projection', '/state', one)),
    ];
  }
}

function hit(kind: Hit['kind'], title: string, detail: string, ...path: readonly string[]): Hit {
  const [view, ...rest] = path;
  return { kind, title, detail: detail.slice(0, 200), link: [view, ...rest.map(encodeURIComponent)].join('/') };
}

/** Those that begin with the text before those that only have it in them. */
function named<T>(items: readonly T[], nameOf: (item: T) => string, text: string): T[] {
  const wanted = text.toLowerCase();
  const rank = (item: T) => (nameOf(item).toLowerCase().startsWith(wanted) ? 0 : 1);
  return items
    .filter((item) => nameOf(item).toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || (nameOf(a) < nameOf(b) ? -1 : 1))
    .slice(0, MAX_PER_KIND);
}

function many(count: number | string, what: string): string {
  const text = typeof count === 'number' ? count.toLocaleString('en-US') : count;
  return `${text} ${what}${Number(count) === 1 ? '' : 's'}`;
}

function sizeOf(document: Document | null | undefined): number {
  return Object.keys(document ?? {}).length;
}

/** Null where it comes too late, or what is asked is not available now. */
async function unlessLate<T>(work: Promise<T>, limit: AbortSignal): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const give = () => late.resolve(null);
  limit.addEventListener('abort', give, { once: true });
  if (limit.aborted) give();
  try {
    return await Promise.race([work, late.promise]);
  } catch (error) {
    if (limit.aborted || (isKitError(error) && error.retriable)) return null;
    throw error;
  } finally {
    limit.removeEventListener('abort', give);
    work.catch(() => {});
  }
}
