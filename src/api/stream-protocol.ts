/** What clients of `WS /api/v1/stream` say and are told: JSON in text frames, one message each. `docs/stream.md` is the prose. */
import Type, { type Static } from 'typebox';
import { CATEGORIES, DEFINITIONS, EVENT_TYPES, type EventType, type SocialTopic } from '../domains/social/events.ts';
import type { Notice } from '../domains/social/notification-notice.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import { KitError } from '../kit/errors.ts';
import { contractOf } from '../kit/schemas/contract.ts';
import { epochMs, Id } from '../kit/schemas/formats.ts';
import { isJsonObject } from '../kit/schemas/record-json.ts';
import { problemOf } from './problems.ts';
import { Partition, TopicName } from './schemas.ts';
import type { StreamItem } from './stream-item.ts';
import { isPosition } from './stream-position.ts';

/** The WebSocket subprotocol: its version is the protocol's. */
export const SUBPROTOCOL = 'streamsocial.v1';
/** Room for a position of 1,503 partitions. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

const CLOSED = { additionalProperties: false } as const;
const SubscriptionId = Type.String({ minLength: 1, maxLength: 64, description: "The client's own name for it." });
const From = Type.String({
  maxLength: MAX_MESSAGE_BYTES,
  description:
    '`latest` (the default), `earliest`, an RFC 3339 time (events published at or after it), or a `position` of the server.',
});

const Tail = Type.Object(
  {
    topic: { ...TopicName, description: 'Any, those of dead letters too.' },
    partition: Type.Optional(Partition),
    text: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'Bytes that value, key or a header has to contain.' }),
    ),
    key: Type.Optional(Type.String({ maxLength: 256, description: 'The whole key.' })),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Records of a frame: the newest. 50.' })),
  },
  {
    ...CLOSED,
    description:
      'In place of events: the newest records of a topic, as they come, four frames a second at most. Alone, too.',
  },
);

export const ClientMessages = {
  subscribe: Type.Object(
    {
      type: Type.Literal('subscribe'),
      id: SubscriptionId,
      topics: Type.Optional(Type.Array(Type.Enum([...SOCIAL_TOPICS]), { minItems: 1, maxItems: SOCIAL_TOPICS.length })),
      user: Type.Optional({ ...Id, description: 'Events by this user, and follows of this user.' }),
      content: Type.Optional({ ...Id, description: 'Events about this content.' }),
      event_types: Type.Optional(
        Type.Array(Type.Enum([...EVENT_TYPES]), { minItems: 1, maxItems: EVENT_TYPES.length }),
      ),
      from: Type.Optional(From),
      notifications_of: Type.Optional({
        ...Id,
        description: 'In place of events: what this user is told from now on. Nothing else may be given with it.',
      }),
      watch: Type.Optional(
        Type.Literal('pulse', { description: 'In place of events: how the platform is, twice a second. Alone, too.' }),
      ),
      tail: Type.Optional(Tail),
    },
    CLOSED,
  ),
  unsubscribe: Type.Object({ type: Type.Literal('unsubscribe'), id: SubscriptionId }, CLOSED),
  ping: Type.Object({ type: Type.Literal('ping') }, CLOSED),
};

type MessageType = keyof typeof ClientMessages;
export type Subscribe = Static<typeof ClientMessages.subscribe>;
export type TailRequest = Static<typeof Tail>;
export type ClientMessage = { [T in MessageType]: Static<(typeof ClientMessages)[T]> }[MessageType];

const ID = contractOf(SubscriptionId);
const CONTRACTS = new Map(Object.entries(ClientMessages).map(([type, schema]) => [type, contractOf(schema)] as const));

/** Of which subscription a message speaks, were it right or not; null where it names none. */
export function subscriptionOf(message: unknown): string | null {
  const { id } = isJsonObject(message) ? message : {};
  return ID.check(id) ? id : null;
}

/** @throws KitError INVALID_MESSAGE (`details.errors`) */
export function checkedMessage(message: unknown): ClientMessage {
  const { type } = isJsonObject(message) ? message : {};
  const contract = CONTRACTS.get(String(type));
  if (contract === undefined)
    throw new KitError(
      'INVALID_MESSAGE',
      `A message is an object whose type is one of ${[...CONTRACTS.keys()].join(', ')}.`,
    );
  if (contract.check(message)) return message as ClientMessage;
  const errors = contract.errors(message);
  const [first] = errors;
  throw new KitError('INVALID_MESSAGE', `${String(type)}${first?.path.replaceAll('/', '.')} ${first?.message}`, {
    details: { errors },
  });
}

/** What `subscribe` asks for, worked out. */
export interface Wanted {
  readonly topics: readonly SocialTopic[];
  /** Whether an item belongs to the subscription. One that cannot be read belongs to whole topics only. */
  readonly matches: (item: StreamItem) => boolean;
}

const ALONE = ['notifications_of', 'watch', 'tail'] as const;

/** What is asked for in place of events; null where events are. @throws KitError INVALID_MESSAGE */
export function kindOf({ type: _type, id: _id, ...asked }: Subscribe): (typeof ALONE)[number] | null {
  const kind = ALONE.find((name) => asked[name] !== undefined) ?? null;
  const other = Object.keys(asked).find((name) => name !== kind);
  if (kind === null || other === undefined) return kind;
  throw new KitError('INVALID_MESSAGE', `subscribe takes no ${other} beside ${kind}.`);
}

/** @throws KitError INVALID_MESSAGE where nothing is asked for, or nothing can match */
export function wantedBy({ topics, user, content, event_types: types }: Subscribe): Wanted {
  if (topics === undefined && user === undefined && content === undefined && types === undefined)
    throw new KitError(
      'INVALID_MESSAGE',
      'subscribe needs at least one of topics, user, content and event_types, or notifications_of, watch or tail.',
    );
  const possible = (types ?? EVENT_TYPES).filter((type) => {
    const { topic, hasContent } = DEFINITIONS.get(type)!;
    return (topics?.includes(topic) ?? true) && (content === undefined || hasContent);
  });
  const chosen = SOCIAL_TOPICS.filter((topic) => possible.some((type) => DEFINITIONS.get(type)!.topic === topic));
  if (chosen.length === 0)
    throw new KitError('INVALID_MESSAGE', `No event can match: ${TOPICS_OF_TYPES}; ${TYPES_WITH_CONTENT}.`);
  const whole = user === undefined && content === undefined && types === undefined;
  const typeSet = new Set<EventType>(possible);
  return {
    topics: chosen,
    matches({ event }) {
      if (event === null) return whole;
      if (!typeSet.has(event.event_type)) return false;
      if (content !== undefined && !('content_id' in event && event.content_id === content)) return false;
      return (
        user === undefined ||
        event.user_id === user ||
        ('target_user_id' in event.data && event.data.target_user_id === user)
      );
    },
  };
}

const TOPICS_OF_TYPES = Object.values(CATEGORIES)
  .map(({ topic, types }) => `${topic} has ${types.join(', ')}`)
  .join('; ');
const TYPES_WITH_CONTENT = `content is known of ${EVENT_TYPES.filter((type) => DEFINITIONS.get(type)!.hasContent).join(', ')}`;

export type Start = 'latest' | 'earliest' | { readonly atMs: number } | { readonly position: string };

/** @throws KitError INVALID_MESSAGE */
export function startOf({ from = 'latest' }: Subscribe): Start {
  if (from === 'latest' || from === 'earliest') return from;
  if (isPosition(from)) return { position: from };
  const atMs = epochMs(from);
  if (Number.isNaN(atMs))
    throw new KitError(
      'INVALID_MESSAGE',
      'from is "latest", "earliest", a time such as 2026-05-27T14:00:00Z, or a position that this server gave.',
    );
  return { atMs };
}

export function stateFrame(
  type: 'subscribed' | 'caught-up' | 'position',
  subscription: string,
  position?: string,
): string {
  return JSON.stringify({ type, subscription, position });
}

export function unsubscribedFrame(subscription: string): string {
  return JSON.stringify({ type: 'unsubscribed', subscription });
}

/** The items are JSON already. */
export function eventsFrame(subscription: string, position: string, items: readonly StreamItem[]): string {
  const head = JSON.stringify({ type: 'events', subscription, position });
  return `${head.slice(0, -1)},"events":[${items.map(({ json }) => json).join(',')}]}`;
}

/** @param missed notices that could not be sent to a client as slow as this one */
export function notificationsFrame(subscription: string, notifications: readonly Notice[], missed: number): string {
  return JSON.stringify({ type: 'notifications', subscription, notifications, missed });
}

/** @param records JSON already, newest last */
export function tailFrame(
  subscription: string,
  records: readonly string[],
  counts: { readonly seen: number; readonly matched: number; readonly skipped: number },
): string {
  const tail = JSON.stringify({ subscription, ...counts });
  return `{"type":"tail",${tail.slice(1, -1)},"records":[${records.join(',')}]}`;
}

/** @param ended the subscription is over; else it goes on, or there is none */
export function errorFrame(error: unknown, subscription: string | null, ended: boolean): string {
  const {
    type: _type,
    title: _title,
    status: _status,
    code,
    detail: message,
    retriable,
    ...details
  } = problemOf(error);
  return JSON.stringify({
    type: 'error',
    ...(subscription === null ? {} : { subscription, ended }),
    code,
    message,
    retriable,
    details,
  });
}
