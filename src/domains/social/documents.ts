/** What the documents of the projections are, in words, for whoever looks at one: by kind, told by how their keys begin. */

export type FieldType = 'count' | 'time' | 'text' | 'id' | 'time and text' | 'count and error' | 'register';

export interface FieldMeaning {
  readonly label: string;
  readonly type: FieldType;
  /** Of counts. */
  readonly unit?: string;
}

export interface DocumentKind {
  /** How a key begins; what follows is the `id`. '' where the key is the id. */
  readonly prefix: string;
  /** What the id names; null where the prefix is the whole key. */
  readonly id: string | null;
  readonly about: string;
  /** By name. */
  readonly fields?: Readonly<Record<string, FieldMeaning>>;
  /** Of all other fields: what their names are, and what is said of each. */
  readonly entries?: { readonly name: string } & FieldMeaning;
  /**
   * Events change one without mentioning it. An event that changes a document of another kind, or each of the documents that
   * such a one has as fields, has its id as its record's key, as a header, or as a string of its value; and so it is with the ids
   * that become names of fields.
   */
  readonly isWide?: boolean;
}

type KindsByProjection = Readonly<Record<string, readonly DocumentKind[]>>;

const count = (label: string, unit: string): FieldMeaning => ({ label, type: 'count', unit });
const time = (label: string): FieldMeaning => ({ label, type: 'time' });

const PERIOD = { period: { label: 'Period that is counted (UTC)', type: 'text' } } as const;
const EVENTS_BY_TYPE = { name: 'event type', label: 'Events of that type', type: 'count', unit: 'events' } as const;
const REGISTERS = { name: 'register', label: 'Rank, a letter: A is 1', type: 'register' } as const;
const WHO = { name: 'user', label: 'Did it last', type: 'time' } as const;
const YES = { name: 'field', label: 'Has happened', type: 'text' } as const;
const POSTS = { name: 'content', label: 'Posted, and by whom', type: 'time and text' } as const;

export const DOCUMENT_KINDS: KindsByProjection = {
  engagement: [
    {
      prefix: '',
      id: 'content',
      about: 'How often a content was liked, shared, commented on and viewed',
      fields: {
        likes: count('Likes', 'events'),
        shares: count('Shares', 'events'),
        comments: count('Comments', 'events'),
        views: count('Views', 'events'),
        last_updated: time('Latest event'),
      },
    },
  ],
  activity: [
    {
      prefix: '',
      id: 'event type',
      about: 'How often a type of event happened',
      fields: { total: count('Events', 'events'), last_event_at: time('Latest event') },
    },
  ],
  feed: [
    {
      prefix: 'timeline/',
      id: 'user',
      about: 'The newest posts of those a user follows',
      entries: POSTS,
    },
    { prefix: 'posts/', id: 'author', about: 'The newest posts of an author', entries: POSTS },
    {
      prefix: 'followers/',
      id: 'author',
      about: 'Who follows an author',
      entries: { name: 'follower', label: 'Followed last', type: 'time' },
    },
    {
      prefix: 'following/',
      id: 'user',
      about: 'Whom a user follows',
      entries: { name: 'author', label: 'Followed last', type: 'time' },
    },
    {
      prefix: 'celebrities',
      isWide: true,
      id: null,
      about: 'Authors with so many followers that their posts are not copied to each of them',
      entries: { name: 'author', label: 'Is one', type: 'text' },
    },
  ],
  notifications: [
    {
      prefix: 'inbox/',
      id: 'user',
      about: 'What a user is told of',
      entries: { name: 'kind and content', label: 'Happened last', type: 'time' },
    },
    {
      prefix: 'reactions/',
      id: 'content',
      about: 'What was done to a content',
      entries: { name: 'kind and content', label: 'Happened last', type: 'time' },
    },
    { prefix: 'author/', id: 'content', about: 'Who posted a content', entries: { ...WHO, label: 'Posted' } },
    { prefix: 'who/like ', id: 'content', about: 'Who liked a content', entries: WHO },
    { prefix: 'who/comment ', id: 'content', about: 'Who commented on a content', entries: WHO },
    { prefix: 'who/share ', id: 'content', about: 'Who shared a content', entries: WHO },
    { prefix: 'who/follow ', id: 'user', about: 'Who follows a user', entries: WHO },
    {
      prefix: 'settings/',
      id: 'user',
      about: 'What a user wants to be told, and has read',
      fields: {
        read_until: time('Read until'),
        preferences: { label: 'Wanted since, and which kinds', type: 'time and text' },
      },
    },
  ],
  analytics: [
    {
      prefix: 'day/',
      isWide: true,
      id: 'slot',
      about: 'Events of a day by type; slots are used in turns, 400 of them',
      fields: PERIOD,
      entries: EVENTS_BY_TYPE,
    },
    {
      prefix: 'minute/',
      isWide: true,
      id: 'slot',
      about: 'Events of a minute by type; slots are used in turns, for two days',
      fields: PERIOD,
      entries: EVENTS_BY_TYPE,
    },
    {
      prefix: 'top/',
      isWide: true,
      id: 'partition and slot',
      about: 'The contents with the most interactions of a day, by partition',
      fields: PERIOD,
      entries: {
        name: 'content',
        label: 'Interactions, and by how many that may be too high',
        type: 'count and error',
      },
    },
    {
      prefix: 'active/day/',
      isWide: true,
      id: 'slot',
      about: 'A sketch (HyperLogLog) of the users who did something on a day',
      fields: PERIOD,
      entries: REGISTERS,
    },
    {
      prefix: 'active/minute/',
      isWide: true,
      id: 'slot',
      about: 'A sketch (HyperLogLog) of the users who did something in a minute',
      fields: PERIOD,
      entries: REGISTERS,
    },
    {
      prefix: 'funnel/',
      isWide: true,
      id: 'stage',
      about: 'A sketch (HyperLogLog) of the users who came so far: registered, posted, liked',
      entries: REGISTERS,
    },
    { prefix: 'registered/', id: 'user', about: 'Whether a user has registered', entries: YES },
    {
      prefix: 'posts/',
      id: 'user',
      about: 'What a user has posted',
      entries: { name: 'content', label: 'Posted', type: 'time' },
    },
    { prefix: 'authors/', id: 'content', about: 'Who posted a content', entries: { ...WHO, label: 'Posted' } },
    { prefix: 'author/', id: 'content', about: 'A sketch of the registered authors of a content', entries: REGISTERS },
    { prefix: 'liked/', id: 'content', about: 'Whether a content was liked', entries: YES },
    { prefix: 'liked-author/', id: 'user', about: 'Whether a post of a user was liked', entries: YES },
  ],
  moderation: [
    {
      prefix: '',
      id: 'content',
      about: 'What moderators did with a content, and what holds now',
      fields: {
        latest: { label: 'What holds: since when, how strict, action, reason', type: 'time and text' },
        hidden: count('Hidden', 'times'),
        removed: count('Removed', 'times'),
        restored: count('Restored', 'times'),
      },
    },
  ],
  sessions: [
    {
      prefix: '',
      id: 'user',
      about: 'How often sessions of a user expired, and why the last one did',
      fields: {
        expired: count('Expired', 'sessions'),
        last_expired_at: time('Last expired'),
        last_reason: { label: 'Last time and its reason', type: 'time and text' },
      },
    },
  ],
};

/** Null where the projection has no documents with such a key. */
export function documentKindOf(projection: string, key: string): DocumentKind | null {
  return (
    DOCUMENT_KINDS[projection]?.find(({ prefix, id }) => (id === null ? key === prefix : key.startsWith(prefix))) ??
    null
  );
}

/** The id that events mention which change the document; null where they need not. */
export function mentionedIdOf(projection: string, key: string): string | null {
  const kind = documentKindOf(projection, key);
  return kind === null || kind.isWide === true ? null : key.slice(kind.prefix.length);
}
