/** The documents of the notifications projection, folded straight from events with plain maps and sorts. */
import type { SocialEvent } from '../../../../src/domains/social/events.ts';
import type { Document } from '../../../../src/kit/projections/projection-store.ts';

const VERBS = { post_liked: 'like', comment_added: 'comment', content_shared: 'share' } as const;
const KINDS = ['like', 'comment', 'share', 'follow'];

type Table = Map<string, Map<string, number>>;

export function foldNotifications(events: Iterable<SocialEvent>): Map<string, Document> {
  const authors: Table = new Map();
  const reactions: Table = new Map();
  const who: Table = new Map();
  const inboxes: Table = new Map();
  const readUntil = new Map<string, number>();
  const preferences = new Map<string, Buffer>();
  for (const event of events) {
    const atMs = Date.parse(event.timestamp);
    const { user_id: user } = event;
    switch (event.event_type) {
      case 'post_created':
        latest(authors, event.content_id, user, atMs);
        break;
      case 'post_liked':
      case 'comment_added':
      case 'content_shared': {
        const subject = `${VERBS[event.event_type]} ${event.content_id}`;
        latest(reactions, event.content_id, subject, atMs);
        latest(who, subject, user, atMs);
        break;
      }
      case 'follow_initiated':
        latest(who, `follow ${event.data.target_user_id}`, user, atMs);
        latest(inboxes, event.data.target_user_id, `follow ${event.data.target_user_id}`, atMs);
        break;
      case 'profile_updated': {
        const { notifications_read_until: until, notification_preferences: given } = event.data as Record<
          string,
          unknown
        >;
        const untilMs = typeof until === 'string' && /^\d{4}-/.test(until) ? Date.parse(until) : Number.NaN;
        if (!Number.isNaN(untilMs))
          readUntil.set(user, Math.max(Math.min(untilMs, atMs), readUntil.get(user) ?? Number.NEGATIVE_INFINITY));
        if (typeof given !== 'object' || given === null || Array.isArray(given)) break;
        const flags = new Map(Object.entries(given));
        if (KINDS.some((kind) => flags.has(kind) && typeof flags.get(kind) !== 'boolean')) break;
        const text = Buffer.from([iso(atMs), ...KINDS.filter((kind) => flags.get(kind) !== false)].join(' '));
        const known = preferences.get(user);
        if (known === undefined || Buffer.compare(text, known) > 0) preferences.set(user, text);
        break;
      }
    }
  }
  for (const [content, known] of authors)
    for (const author of known.keys())
      for (const [subject, atMs] of reactions.get(content) ?? []) latest(inboxes, author, subject, atMs);

  const documents = new Map<string, Document>();
  const put = (prefix: string, table: Table, keep: number) => {
    for (const [key, times] of table) documents.set(`${prefix}${key}`, newest(times, keep));
  };
  put('author/', authors, 4);
  put('reactions/', reactions, 3);
  put('who/', who, 100);
  put('inbox/', inboxes, 500);
  for (const user of new Set([...readUntil.keys(), ...preferences.keys()])) {
    documents.set(`settings/${user}`, {
      ...(preferences.has(user) ? { preferences: preferences.get(user)!.toString() } : {}),
      ...(readUntil.has(user) ? { read_until: iso(readUntil.get(user)!) } : {}),
    });
  }
  return documents;
}

function latest(table: Table, row: string, column: string, atMs: number): void {
  const times = table.get(row) ?? new Map<string, number>();
  times.set(column, Math.max(atMs, times.get(column) ?? Number.NEGATIVE_INFINITY));
  table.set(row, times);
}

function newest(times: ReadonlyMap<string, number>, keep: number): Document {
  const sorted = [...times].sort(([a, atA], [b, atB]) => atB - atA || Buffer.compare(Buffer.from(b), Buffer.from(a)));
  return Object.fromEntries(sorted.slice(0, keep).map(([name, atMs]) => [name, iso(atMs)]));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
