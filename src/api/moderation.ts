import Type from 'typebox';
import { MAX_REASON_CHARS, moderationOf } from '../domains/social/moderation.ts';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import { After, DEFAULT_WAIT_MS, positionOf, TimeoutMs } from './after.ts';
import { checkedId } from './checked-id.ts';
import type { Closing } from './closing.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const Moderation = Type.Object({
  content_id: Type.String(),
  action: Type.Enum(['hidden', 'removed', 'restored'], {
    description: 'The latest by event time; of one millisecond the strictest.',
  }),
  hidden_from_feeds: Type.Boolean(),
  reason: Type.String({ maxLength: MAX_REASON_CHARS }),
  since: Timestamp,
  actions: Type.Object(
    { hidden: Count, removed: Count, restored: Count },
    { description: 'How often each was taken.' },
  ),
});

export function moderationRoutes(app: Api, platform: Platform, closing: Closing): void {
  app.get(
    '/api/v1/moderation/:content_id',
    {
      schema: {
        tags: ['feeds'],
        summary: 'What moderation says of one content',
        params: Type.Object({
          content_id: Type.String({ description: 'Percent-encoded.', examples: ['post_991'] }),
        }),
        querystring: Type.Object({ after: After, timeout_ms: TimeoutMs }, { additionalProperties: false }),
        response: {
          200: json('What holds now.', Moderation),
          ...problems('INVALID_ARGUMENT', 'UNKNOWN_CONTENT', 'STORE_UNAVAILABLE', 'NOT_APPLIED_YET'),
        },
      },
    },
    async ({ params: { content_id }, query: { after, timeout_ms = DEFAULT_WAIT_MS } }) => {
      checkedId(content_id, 'content_id');
      if (after !== undefined) await closing.orClosing(platform.applied(positionOf(after), timeout_ms, 'moderation'));
      const moderation = moderationOf(await platform.state.moderation.get(content_id));
      if (moderation === null)
        throw new KitError('UNKNOWN_CONTENT', `${content_id} was never moderated.`, { details: { content_id } });
      return { content_id, ...moderation };
    },
  );
}
