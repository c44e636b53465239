/** The documents of the analytics projection, folded straight from records: exact counts, exact sets, registers of their own. */
import { createHash } from 'node:crypto';
import type { SocialEvent } from '../../../../src/domains/social/events.ts';
import type { Document } from '../../../../src/kit/projections/projection-store.ts';

export interface CountedRecord {
  readonly event: SocialEvent;
  readonly partition: number;
  /** Of the record, milliseconds since the epoch. */
  readonly timestamp: number;
}

export interface FoldedAnalytics {
  /** All but `top/`. */
  readonly documents: Map<string, Document>;
  /** By key of `top/`: whose period it is, and how often each content occurred in it. */
  readonly top: Map<string, { readonly period: string; readonly counts: ReadonlyMap<string, number> }>;
  /** By stage: the users, exactly. */
  readonly funnel: Readonly<Record<'registered' | 'posted' | 'liked', ReadonlySet<string>>>;
}

const SYSTEM = ['content_moderated', 'session_expired'];
const INTERACTIONS = ['post_liked', 'comment_added', 'content_shared', 'story_viewed'];
const DAY_MS = 86_400_000;

export function foldAnalytics(records: Iterable<CountedRecord>): FoldedAnalytics {
  const all = [...records];
  const documents = new Map<string, Document>();
  const timely = all
    .map((record) => ({ ...record, atMs: Date.parse(record.event.timestamp) }))
    .filter(({ atMs, timestamp }) => atMs <= timestamp + DAY_MS);
  for (const { name, ms, slots, precision, width, end } of [
    { name: 'minute', ms: 60_000, slots: 2880, precision: 10, width: 16, end: ':00Z' },
    { name: 'day', ms: DAY_MS, slots: 400, precision: 12, width: 10, end: '' },
  ]) {
    const slotOf = (atMs: number) => ((Math.floor(atMs / ms) % slots) + slots) % slots;
    for (const [slot, inSlot] of Map.groupBy(timely, ({ atMs }) => slotOf(atMs))) {
      const latest = inSlot.reduce((max, { atMs }) => Math.max(max, Math.floor(atMs / ms)), Number.NEGATIVE_INFINITY);
      const own = inSlot.filter(({ atMs }) => Math.floor(atMs / ms) === latest).map(({ event }) => event);
      const period = `${new Date(latest * ms).toISOString().slice(0, width)}${end}`;
      const counts = [...Map.groupBy(own, ({ event_type }) => event_type)].map(([type, list]) => [type, list.length]);
      documents.set(`${name}/${slot}`, { ...Object.fromEntries(counts), period });
    }
    const byUser = timely.filter(({ event }) => !SYSTEM.includes(event.event_type));
    for (const [slot, inSlot] of Map.groupBy(byUser, ({ atMs }) => slotOf(atMs))) {
      const latest = inSlot.reduce((max, { atMs }) => Math.max(max, Math.floor(atMs / ms)), Number.NEGATIVE_INFINITY);
      const users = inSlot.filter(({ atMs }) => Math.floor(atMs / ms) === latest).map(({ event }) => event.user_id);
      const period = `${new Date(latest * ms).toISOString().slice(0, width)}${end}`;
      documents.set(`active/${name}/${slot}`, { ...naiveSketch(users, precision), period });
    }
  }
  return { documents: withFunnel(all, documents), top: topOf(timely), funnel: funnelOf(all) };
}

function topOf(timely: readonly (CountedRecord & { readonly atMs: number })[]): FoldedAnalytics['top'] {
  const interactions = timely.filter(({ event }) => INTERACTIONS.includes(event.event_type));
  const keyOf = ({ partition, atMs }: (typeof interactions)[number]) =>
    `top/${partition}/${((Math.floor(atMs / DAY_MS) % 400) + 400) % 400}`;
  return new Map(
    [...Map.groupBy(interactions, keyOf)].map(([key, list]) => {
      const days = list.map(({ atMs }) => new Date(atMs).toISOString().slice(0, 10));
      const period = days.toSorted().at(-1)!;
      const counts = new Map<string, number>();
      for (const [index, { event }] of list.entries()) {
        if (days[index] !== period || !('content_id' in event)) continue;
        counts.set(event.content_id, (counts.get(event.content_id) ?? 0) + 1);
      }
      return [key, { period, counts }];
    }),
  );
}

function funnelOf(records: readonly CountedRecord[]): FoldedAnalytics['funnel'] {
  const of = (type: string) => records.map(({ event }) => event).filter(({ event_type }) => event_type === type);
  const registered = new Set(of('user_registered').map(({ user_id }) => user_id));
  const likedContent = new Set(of('post_liked').map((event) => ('content_id' in event ? event.content_id : '')));
  const posts = of('post_created').filter(({ user_id }) => registered.has(user_id));
  const posted = new Set(posts.map(({ user_id }) => user_id));
  const liked = new Set(
    posts.filter((post) => 'content_id' in post && likedContent.has(post.content_id)).map(({ user_id }) => user_id),
  );
  return { registered, posted, liked };
}

/** The sketches, and the documents that say what has happened. */
function withFunnel(records: readonly CountedRecord[], documents: Map<string, Document>): Map<string, Document> {
  const { registered, ...stages } = funnelOf(records);
  const yes = { yes: 'yes' };
  for (const [stage, users] of Object.entries({ registered, ...stages }))
    if (users.size > 0) documents.set(`funnel/${stage}`, naiveSketch(users, 12));
  for (const user of registered) documents.set(`registered/${user}`, yes);
  const postedAt = new Map<string, Map<string, number>>();
  const authorsAt = new Map<string, Map<string, number>>();
  for (const { event } of records) {
    if (event.event_type === 'post_liked') documents.set(`liked/${event.content_id}`, yes);
    if (event.event_type !== 'post_created') continue;
    latest(postedAt, event.user_id, event.content_id, Date.parse(event.timestamp));
    latest(authorsAt, event.content_id, event.user_id, Date.parse(event.timestamp));
  }
  for (const [user, contents] of postedAt) documents.set(`posts/${user}`, times(contents));
  for (const [content, authors] of authorsAt) {
    documents.set(`authors/${content}`, times(authors));
    const known = [...authors.keys()].filter((author) => registered.has(author));
    if (known.length > 0) documents.set(`author/${content}`, naiveSketch(known, 12));
    if (documents.has(`liked/${content}`))
      for (const author of authors.keys()) documents.set(`liked-author/${author}`, yes);
  }
  return documents;
}

function latest(table: Map<string, Map<string, number>>, row: string, column: string, atMs: number): void {
  const known = table.get(row) ?? new Map<string, number>();
  known.set(column, Math.max(atMs, known.get(column) ?? Number.NEGATIVE_INFINITY));
  table.set(row, known);
}

function times(of: ReadonlyMap<string, number>): Document {
  return Object.fromEntries([...of].map(([name, atMs]) => [name, new Date(atMs).toISOString()]));
}

/** Bit by bit: the first `precision` bits of the hash name the register, the place of the first 1 behind them is its rank. */
export function naiveSketch(items: Iterable<string>, precision: number): Document {
  const sketch: Record<string, string> = {};
  for (const item of items) {
    const bits = [...createHash('sha256').update(item).digest().subarray(0, 8)]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('');
    const name = `r${Number.parseInt(bits.slice(0, precision), 2).toString(36)}`;
    const letter = String.fromCharCode('A'.charCodeAt(0) + `${bits.slice(precision)}1`.indexOf('1'));
    if (sketch[name] === undefined || letter > sketch[name]) sketch[name] = letter;
  }
  return sketch;
}
