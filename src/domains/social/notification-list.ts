/** What a user is shown of their notifications: one for all who did the same to the same thing, newest first, by the page. */
import { KitError } from '../../kit/errors.ts';
import { compareBytes } from '../../kit/projections/deltas.ts';
import type { Document } from '../../kit/projections/projection-store.ts';
import { isTimestamp } from '../../kit/schemas/formats.ts';
import type { NotificationKind, NotificationSettings } from './notification-settings.ts';
import { MAX_ACTORS, subjectOfText } from './notifications.ts';

export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;
/** Actors that a text names. */
const NAMED = 2;
/** Actors that a notification lists. */
const LISTED = 10;

export interface Notification {
  readonly kind: NotificationKind;
  /** Null of `follow`. */
  readonly content_id: string | null;
  /** Who did it last, RFC 3339 UTC. */
  readonly at: string;
  readonly unread: boolean;
  /** `ann, bob and 1 other liked your post post_991`. Plain text: escape it where markup is made of it. */
  readonly text: string;
  /** The last of them first, 10 at most. */
  readonly actors: readonly string[];
  /** Different users; where `more` is true, at least so many. */
  readonly actor_count: number;
  readonly more: boolean;
}

export interface NotificationPage {
  readonly items: readonly Notification[];
  /** Of all that are kept, not of this page alone. */
  readonly unread_count: number;
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

export interface PageQuery {
  /** 1 to `MAX_PAGE`. */
  readonly limit: number;
  /** The last one of the page before. */
  readonly after: Place | null;
  readonly unreadOnly: boolean;
}

/** Where a notification stands in the list: the newest first, of equal times the greater subject. */
export interface Place {
  readonly at: string;
  readonly subject: string;
}

/** One of the list, not yet put into words. */
export interface Listed extends Place {
  readonly unread: boolean;
  /** `who/<subject>` without the user themselves: who did it, and when. */
  readonly others: readonly (readonly [actor: string, at: string])[];
  readonly more: boolean;
}

/** The fields of `inbox/<user>`; the documents to read next are `who/<subject>`. */
export function subjectsIn(inbox: Document | null): string[] {
  return Object.keys(inbox ?? {});
}

/** All that `userId` is to be told. @param who the documents `who/<subject>`, by subject */
export function listed(
  userId: string,
  who: ReadonlyMap<string, Document | null>,
  { readUntil, preferences }: NotificationSettings,
): Listed[] {
  const list: Listed[] = [];
  for (const [subject, document] of who) {
    const actors = Object.entries((document ?? {}) as Readonly<Record<string, string>>);
    // what users do to their own is no news to them
    const others = actors.filter(([actor]) => actor !== userId);
    if (others.length === 0 || !preferences[subjectOfText(subject).kind]) continue;
    const at = others.reduce((latest, [, one]) => (one > latest ? one : latest), '');
    list.push({ at, subject, unread: readUntil === null || at > readUntil, others, more: actors.length >= MAX_ACTORS });
  }
  return list.sort(byPlace);
}

export function pageOf(list: readonly Listed[], { limit, after, unreadOnly }: PageQuery): NotificationPage {
  const unread = list.filter((one) => one.unread);
  const rest = (unreadOnly ? unread : list).filter((one) => after === null || byPlace(one, after) > 0);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(notificationOf),
    unread_count: unread.length,
    next_cursor: last === undefined || rest.length === page.length ? null : cursorOf(last),
  };
}

function notificationOf({ at, subject, unread, others, more }: Listed): Notification {
  const { kind, id } = subjectOfText(subject);
  const actors = others.toSorted(newestFirst).map(([actor]) => actor);
  return {
    kind,
    content_id: kind === 'follow' ? null : id,
    at,
    unread,
    text: textOf(kind, id, actors, more),
    actors: actors.slice(0, LISTED),
    actor_count: actors.length,
    more,
  };
}

function textOf(kind: NotificationKind, id: string, actors: readonly string[], more: boolean): string {
  const done = { like: 'liked', comment: 'commented on', share: 'shared', follow: 'followed' }[kind];
  return `${namesOf(actors, more)} ${done} ${kind === 'follow' ? 'you' : `your post ${id}`}`;
}

function namesOf(actors: readonly string[], more: boolean): string {
  const rest = actors.length - NAMED;
  if (rest > 0) return `${actors.slice(0, NAMED).join(', ')} and ${rest}${more ? '+' : ''} other${rest > 1 ? 's' : ''}`;
  return actors.join(' and ');
}

function newestFirst([nameA, a]: readonly [string, string], [nameB, b]: readonly [string, string]): number {
  return compareBytes(b, a) || compareBytes(nameA, nameB);
}

function byPlace(a: Place, b: Place): number {
  return compareBytes(b.at, a.at) || compareBytes(b.subject, a.subject);
}

export function cursorOf({ at, subject }: Place): string {
  return Buffer.from(`${at} ${subject}`).toString('base64url');
}

/** @throws KitError INVALID_ARGUMENT */
export function placeOf(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const place = { at: text.slice(0, 24), subject: text.slice(25) };
  if (isTimestamp(place.at) && place.subject !== '' && cursorOf(place) === cursor) return place;
  throw new KitError(
    'INVALID_ARGUMENT',
    'query cursor: is not a next_cursor of notifications; leave it out to begin at the newest',
  );
}
