import Type from 'typebox';
import { DEFAULT_PAGE, listed, MAX_PAGE, pageOf, placeOf, subjectsIn } from '../domains/social/notification-list.ts';
import { NOTIFICATION_KINDS, settingsOf } from '../domains/social/notification-settings.ts';
import { Timestamp as Moment } from '../kit/schemas/formats.ts';
import type { Platform } from '../pipelines/platform.ts';
import { After, DEFAULT_WAIT_MS, positionOf, TimeoutMs } from './after.ts';
import { checkedId } from './checked-id.ts';
import type { Closing } from './closing.ts';
import { Count, json, Offset, Partition, problems, Timestamp, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

const MAX_CURSOR_CHARS = 512;
/** As for any event: below the 5 s within which a client has its answer when the log has no quorum. */
const ACK_TIMEOUT_MS = 4_000;

const User = Type.Object({ id: Type.String({ description: 'User id, percent-encoded.', examples: ['alice'] }) });
const Waiting = { after: After, timeout_ms: TimeoutMs };
const Page = Type.Object(
  {
    user_id: Type.String(),
    items: Type.Array(
      Type.Object({
        kind: Type.Enum(NOTIFICATION_KINDS),
        content_id: Type.Union([Type.String(), Type.Null()], { description: 'Null of follow.' }),
        at: Timestamp,
        unread: Type.Boolean(),
        text: Type.String({ description: 'Plain text, with ids as they are: escape it where markup is made of it.' }),
        actors: Type.Array(Type.String(), { description: 'The last of them first, 10 at most.' }),
        actor_count: Count,
        more: Type.Boolean({ description: 'actor_count is the least it can be: the last 100 are told apart.' }),
      }),
      { description: 'The newest first, of the last 500.' },
    ),
    unread_count: Type.Integer({ minimum: 0, description: 'Of all, not of this page alone.' }),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
  },
  {
    examples: [
      {
        user_id: 'alice',
        items: [
          {
            kind: 'like',
            content_id: 'post_991',
            at: '2026-05-27T14:00:00.000Z',
            unread: true,
            text: 'bob, carol and 1 other liked your post post_991',
            actors: ['bob', 'carol', 'dave'],
            actor_count: 3,
            more: false,
          },
        ],
        unread_count: 1,
        next_cursor: null,
      },
    ],
  },
);
const Preferences = Type.Object(
  Object.fromEntries(NOTIFICATION_KINDS.map((kind) => [kind, Type.Boolean()])) as Record<
    (typeof NOTIFICATION_KINDS)[number],
    ReturnType<typeof Type.Boolean>
  >,
  {
    additionalProperties: false,
    description: 'What the user is told of. What is off is left out of lists and counts.',
    examples: [{ like: false, comment: true, share: true, follow: true }],
  },
);
const Settings = Type.Object({
  user_id: Type.String(),
  preferences: Preferences,
  read_until: Type.Union([Timestamp, Type.Null()]),
});
const Stored = json(
  'The profile_updated event, durable on the log; its place is for `after`.',
  Type.Object({ event_id: Type.String(), topic: TopicName, partition: Partition, offset: Offset }),
);
const PUBLISH_PROBLEMS = [
  'INVALID_ARGUMENT',
  'INVALID_JSON',
  'FORBIDDEN_ORIGIN',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'QUEUE_FULL',
  'LOG_UNAVAILABLE',
  'ACK_PENDING',
  'DELIVERY_TIMEOUT',
];

/** A user of whom nothing is known has none: events tell of users, nobody registers with us. */
export function notificationRoutes(app: Api, platform: Platform, closing: Closing): void {
  const state = platform.state.notifications;
  const applied = async (after: string | undefined, timeoutMs = DEFAULT_WAIT_MS) => {
    if (after !== undefined) await closing.orClosing(platform.applied(positionOf(after), timeoutMs, 'notifications'));
  };
  const updateProfile = async (user: string, data: Readonly<Record<string, unknown>>) => {
    const input = { event_type: 'profile_updated', user_id: user, data: { fields: Object.keys(data), ...data } };
    const options = { ackTimeoutMs: ACK_TIMEOUT_MS, whenFull: 'reject' } as const;
    const { event_id, topic, partition, offset } = await platform.publisher.publish(input, options);
    return { event_id, topic, partition, offset };
  };

  app.get(
    '/api/v1/users/:id/notifications',
    {
      schema: {
        tags: ['notifications'],
        summary: 'What a user is told, by the page',
        description:
          'Likes, comments, shares and follows of others; all who did the same to the same thing are one item.',
        params: User,
        querystring: Type.Object(
          {
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE })),
            cursor: Type.Optional(
              Type.String({ maxLength: MAX_CURSOR_CHARS, description: 'next_cursor of the page before.' }),
            ),
            unread: Type.Optional(Type.Boolean({ description: 'true: unread ones alone.' })),
            ...Waiting,
          },
          { additionalProperties: false },
        ),
        response: {
          200: json('A page of notifications.', Page),
          ...problems('INVALID_ARGUMENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET'),
        },
      },
    },
    async ({ params, query }) => {
      const user = checkedId(params.id, 'user id');
      const { limit = DEFAULT_PAGE, cursor, unread: unreadOnly = false } = query;
      const after = cursor === undefined ? null : placeOf(cursor);
      await applied(query.after, query.timeout_ms);
      const [inbox = null, settings = null] = await state.getMany([`inbox/${user}`, `settings/${user}`]);
      const subjects = subjectsIn(inbox);
      const actors = subjects.length === 0 ? [] : await state.getMany(subjects.map((subject) => `who/${subject}`));
      const who = new Map(subjects.map((subject, index) => [subject, actors[index] ?? null]));
      return { user_id: user, ...pageOf(listed(user, who, settingsOf(settings)), { limit, after, unreadOnly }) };
    },
  );

  app.post(
    '/api/v1/users/:id/notifications/read',
    {
      schema: {
        tags: ['notifications'],
        summary: 'Mark notifications as read',
        description: 'Everything up to `until`, and at most up to now. Reading is never undone.',
        params: User,
        body: Type.Object({ until: Type.Optional(Moment) }, { additionalProperties: false, examples: [{}] }),
        response: { 201: Stored, ...problems(...PUBLISH_PROBLEMS) },
      },
    },
    async ({ params, body }, reply) => {
      const until = body.until ?? new Date().toISOString();
      reply.code(201);
      return updateProfile(checkedId(params.id, 'user id'), { notifications_read_until: until });
    },
  );

  app.get(
    '/api/v1/users/:id/notification-preferences',
    {
      schema: {
        tags: ['notifications'],
        summary: 'What a user wants to be told, and up to when it is read',
        params: User,
        querystring: Type.Object(Waiting, { additionalProperties: false }),
        response: {
          200: json('The settings.', Settings),
          ...problems('INVALID_ARGUMENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET'),
        },
      },
    },
    async ({ params, query }) => {
      const user = checkedId(params.id, 'user id');
      await applied(query.after, query.timeout_ms);
      const { preferences, readUntil } = settingsOf(await state.get(`settings/${user}`));
      return { user_id: user, preferences, read_until: readUntil };
    },
  );

  app.put(
    '/api/v1/users/:id/notification-preferences',
    {
      schema: {
        tags: ['notifications'],
        summary: 'Choose what a user is told',
        params: User,
        body: Preferences,
        response: { 201: Stored, ...problems(...PUBLISH_PROBLEMS) },
      },
    },
    async ({ params, body }, reply) => {
      reply.code(201);
      return updateProfile(checkedId(params.id, 'user id'), { notification_preferences: body });
    },
  );
}
