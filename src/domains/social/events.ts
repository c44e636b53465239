/**
 * The ten event types, from one source: TypeBox schemas, from which the TypeScript types, the validators and the
 * documents (OpenAPI, AsyncAPI) are derived. `docs/events.md` is the prose.
 *
 * The envelope is closed: an unknown field beside `data` (and inside `metadata`) is refused. `data` is open: fields
 * that this version does not know are kept and passed on, so that an older reader survives a newer writer.
 */
import Type, { type Static, type TProperties } from 'typebox';
import { type Contract, contractOf } from '../../kit/schemas/contract.ts';
import { Id, isWithinDepth, Timestamp, Traceparent, UriReference } from '../../kit/schemas/formats.ts';

/** Stamped on events that say nothing else. */
export const DEFAULT_SOURCE = '/streamsocial';
export const CURRENT_SCHEMA_VERSION = '1';
/** Levels of objects and arrays inside `data`, itself included. */
export const MAX_DATA_DEPTH = 32;

const CLOSED = { additionalProperties: false } as const;
const Text = Type.String();
const Count = Type.Integer({ minimum: 0 });

/** Closed: each of its fields has a place in the record's headers, which a free one would not have. */
export const Metadata = Type.Object(
  {
    source: UriReference,
    schema_version: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }),
    correlation_id: Type.Optional(Id),
    causation_id: Type.Optional(Id),
    traceparent: Type.Optional(Traceparent),
  },
  CLOSED,
);

function data<P extends TProperties>(properties: P) {
  return Type.Refine(
    Type.Object(properties, { additionalProperties: true }),
    (value) => isWithinDepth(value, MAX_DATA_DEPTH),
    () => `must be an object of at most ${MAX_DATA_DEPTH} levels`,
  );
}

const ENVELOPE = { event_id: Id, user_id: Id, timestamp: Timestamp, metadata: Metadata };

function aboutUser<const T extends string, P extends TProperties>(type: T, properties: P) {
  return Type.Object({ ...ENVELOPE, event_type: Type.Literal(type), data: data(properties) }, CLOSED);
}

function aboutContent<const T extends string, P extends TProperties>(type: T, properties: P) {
  return Type.Object({ ...ENVELOPE, event_type: Type.Literal(type), content_id: Id, data: data(properties) }, CLOSED);
}

const optional = Type.Optional;

export const EVENT_SCHEMAS = {
  user_registered: aboutUser('user_registered', { handle: optional(Text), display_name: optional(Text) }),
  post_created: aboutContent('post_created', { text: optional(Text), tags: optional(Type.Array(Text)) }),
  profile_updated: aboutUser('profile_updated', { fields: optional(Type.Array(Text)) }),
  follow_initiated: aboutUser('follow_initiated', { target_user_id: Id }),
  comment_added: aboutContent('comment_added', {
    comment_id: optional(Id),
    text: optional(Text),
    length: optional(Count),
  }),
  post_liked: aboutContent('post_liked', {}),
  content_shared: aboutContent('content_shared', { channel: optional(Text) }),
  story_viewed: aboutContent('story_viewed', { duration_ms: optional(Type.Number({ minimum: 0 })) }),
  content_moderated: aboutContent('content_moderated', {
    action: Type.Enum(['hidden', 'removed', 'restored']),
    reason: optional(Text),
  }),
  session_expired: aboutUser('session_expired', { session_id: optional(Id), reason: optional(Text) }),
} as const;

export type EventType = keyof typeof EVENT_SCHEMAS;
export type SocialEventOf<T extends EventType> = Static<(typeof EVENT_SCHEMAS)[T]>;
/** A union told apart by `event_type`. */
export type SocialEvent = { [T in EventType]: SocialEventOf<T> }[EventType];

export const EVENT_TYPES = Object.keys(EVENT_SCHEMAS) as readonly EventType[];

/** `subject` is the content where the event has one, else the user. */
export type KeyField = 'user_id' | 'content_id' | 'subject';

export interface CategoryDefinition {
  readonly topic: string;
  readonly key: KeyField;
  readonly types: readonly EventType[];
}

export const CATEGORIES = {
  user_action: {
    topic: 'user-actions',
    key: 'user_id',
    types: ['user_registered', 'post_created', 'profile_updated', 'follow_initiated'],
  },
  content_interaction: {
    topic: 'content-interactions',
    key: 'content_id',
    types: ['comment_added', 'post_liked', 'content_shared', 'story_viewed'],
  },
  system_event: { topic: 'system-events', key: 'subject', types: ['content_moderated', 'session_expired'] },
} as const satisfies Record<string, CategoryDefinition>;

export type Category = keyof typeof CATEGORIES;
export type SocialTopic = (typeof CATEGORIES)[Category]['topic'];
export type ContentInteraction = SocialEventOf<(typeof CATEGORIES)['content_interaction']['types'][number]>;

export const CONTENT_INTERACTIONS: SocialTopic = CATEGORIES.content_interaction.topic;

/** What the codec needs of a type, worked out once. */
export interface EventDefinition {
  readonly type: EventType;
  readonly category: Category;
  readonly topic: SocialTopic;
  readonly key: KeyField;
  /** `content_id` is required where true, refused where false. */
  readonly hasContent: boolean;
  readonly contract: Contract<SocialEvent>;
}

/** By type name; a Map, so that a stranger's `constructor` or `__proto__` finds nothing. */
export const DEFINITIONS: ReadonlyMap<string, EventDefinition> = new Map(
  (Object.keys(CATEGORIES) as Category[]).flatMap((category) => {
    const { topic, key, types } = CATEGORIES[category];
    return types.map((type) => {
      const schema = EVENT_SCHEMAS[type];
      const hasContent = 'content_id' in schema.properties;
      return [type, { type, category, topic, key, hasContent, contract: contractOf(schema) }] as const;
    });
  }),
);

export function subjectOf(event: SocialEvent): string {
  return 'content_id' in event ? event.content_id : event.user_id;
}

export function isContentInteraction(event: SocialEvent): event is ContentInteraction {
  return DEFINITIONS.get(event.event_type)?.category === 'content_interaction';
}
