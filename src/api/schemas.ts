/** Schemas that several resources share, and how a route lists its answers. */
import Type, { type TSchema } from 'typebox';
import { PROBLEM_MEDIA_TYPE, STATUS_BY_CODE } from './problems.ts';

const TOPIC_PATTERN = '^[a-zA-Z0-9._-]{1,249}$';
export const TopicName = Type.String({ pattern: TOPIC_PATTERN, examples: ['content-interactions'] });
export const Partition = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, examples: [4] });
export const Offset = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, examples: [1207] });
export const Count = Type.Integer({ minimum: 0 });
export const Timestamp = Type.String({ format: 'date-time', examples: ['2026-05-27T14:00:00Z'] });

export const ProblemDocument = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    code: Type.String({ description: 'Stable across releases.' }),
    retriable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details; further members tell more of the case.' },
);

/** Any request can be answered with these. */
const COMMON_CODES = ['UNAUTHORIZED', 'MISDIRECTED_REQUEST', 'INTERNAL_ERROR', 'SHUTTING_DOWN'];

/** Problem answers by status, each with the codes that lead to it. */
export function problems(...codes: readonly string[]): Record<number, unknown> {
  const byStatus = Map.groupBy([...codes, ...COMMON_CODES], (code) => STATUS_BY_CODE[code] ?? 500);
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.join(', '),
        ...(status === 503 || status === 504
          ? { headers: { 'retry-after': { type: 'integer', description: 'Seconds.' } } }
          : {}),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: 'Problem#' } } },
      },
    ]),
  );
}

export function json(description: string, schema: TSchema): unknown {
  return { description, content: { 'application/json': { schema } } };
}
