/** Where a consumer group is to go on, and its end. Both only say what they would do until they are told to do it. */
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { ResetTarget } from '../kit/log/offset-reset.ts';
import type { PlannedReset } from '../pipelines/groups/groups.ts';
import type { Platform } from '../pipelines/platform.ts';
import { Deleted, GroupId, GroupParams, Reset, ResetBody } from './group-schemas.ts';
import { momentOf } from './past.ts';
import { json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

const TAGS = { tags: ['groups'] };
/** An offset for each of 20,000 partitions. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

export function groupOffsetRoutes(app: Api, { groups }: Platform): void {
  app.post(
    '/api/v1/groups/:group/offsets',
    {
      bodyLimit: MAX_BODY_BYTES,
      schema: {
        ...TAGS,
        summary: 'Set where a group goes on; without `execute` only what would change is told',
        description:
          'An offset outside of the log is moved to its nearer end, with a warning. What is to be executed as it was shown is sent back ' +
          "as `offsets`. Nobody may be in the group meanwhile. A projection's position is not set here: rebuild it instead.",
        params: GroupParams,
        body: ResetBody,
        response: {
          200: json('What changes, or has changed.', Reset),
          ...problems(
            'INVALID_JSON',
            'INVALID_ARGUMENT',
            'UNKNOWN_GROUP',
            'UNKNOWN_TOPIC',
            'UNKNOWN_PARTITION',
            'GROUP_ACTIVE',
            'PROJECTION_GROUP',
            'NO_COMMITTED_OFFSET',
            'GROUP_TYPE_UNSUPPORTED',
            'INVALID_GROUP_ID',
            'BODY_TOO_LARGE',
            'TOO_MANY_ITEMS',
            'UNSUPPORTED_MEDIA_TYPE',
            'LOG_UNAVAILABLE',
            'STORE_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params, body }) => {
      const { topics, create = false, execute = false } = body;
      const target = targetOf(body);
      if (target.to === 'plan' && topics !== undefined)
        throw new KitError('INVALID_ARGUMENT', 'body.topics: the offsets have the topics; leave it out');
      const chosen = topics?.map(({ topic, partitions = null }) => ({ topic, partitions })) ?? null;
      const reset = await groups.reset(params.group, { target, topics: chosen, create, execute });
      return { ...reset, repeated: recordsOf(reset.resets, 'repeated'), skipped: recordsOf(reset.resets, 'skipped') };
    },
  );

  app.delete(
    '/api/v1/groups/:group',
    {
      schema: {
        ...TAGS,
        summary: 'Delete a group that nobody is in, with its offsets',
        params: GroupParams,
        querystring: Type.Object(
          { confirm: { ...GroupId, description: "The group's id again." } },
          { additionalProperties: false },
        ),
        response: {
          200: json('It is gone.', Deleted),
          ...problems(
            'INVALID_ARGUMENT',
            'UNKNOWN_GROUP',
            'GROUP_ACTIVE',
            'GROUP_TYPE_UNSUPPORTED',
            'LOG_UNAVAILABLE',
            'STORE_UNAVAILABLE',
          ),
        },
      },
    },
    async ({ params: { group }, query: { confirm } }) => {
      if (confirm !== group)
        throw new KitError('INVALID_ARGUMENT', `query.confirm: must be the group's id, ${group}, for it to be deleted`);
      return { group, deleted: true, offsets: await groups.delete(group) };
    },
  );
}

function recordsOf(resets: readonly PlannedReset[], effect: PlannedReset['effect']): number {
  return resets.reduce((sum, one) => sum + (one.effect === effect ? one.records : 0), 0);
}

/** @throws KitError INVALID_ARGUMENT */
function targetOf({ to, offset, by, time, offsets }: ResetBody): ResetTarget {
  const given = { offset, shift: by, time, offsets };
  const names = { offset: 'offset', shift: 'by', time: 'time', offsets: 'offsets' };
  for (const [target, value] of Object.entries(given)) {
    const name = names[target as keyof typeof names];
    if (value === undefined && target === to)
      throw new KitError('INVALID_ARGUMENT', `body.${name}: must be there with to: ${to}`);
    if (value !== undefined && target !== to)
      throw new KitError('INVALID_ARGUMENT', `body.${name}: goes with to: ${target}, not with to: ${to}`);
  }
  switch (to) {
    case 'offset':
      return { to, offset: offset! };
    case 'shift':
      return { to, by: by! };
    case 'time':
      return { to, timeMs: momentOf(time!, 'body.time') };
    case 'offsets':
      return { to: 'plan', offsets: offsets! };
    default:
      return { to };
  }
}
