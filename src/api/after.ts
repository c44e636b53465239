/** `?after=`: an answer that has seen a certain event. */
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';

export const DEFAULT_WAIT_MS = 5_000;
const MAX_WAIT_MS = 30_000;
const POSITION = /^([a-zA-Z0-9._-]{1,249}):(\d{1,9}):(\d{1,15})$/;

export const After = Type.Optional(
  Type.String({
    description: 'topic:partition:offset as POST /api/v1/events answered it: wait until that event is applied.',
    examples: ['content-interactions:3:1207'],
  }),
);
export const TimeoutMs = Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_WAIT_MS, default: DEFAULT_WAIT_MS }));

/** @throws KitError INVALID_ARGUMENT */
export function positionOf(text: string): PartitionOffset {
  const [, topic, partition, offset] = POSITION.exec(text) ?? [];
  if (topic === undefined) throw new KitError('INVALID_ARGUMENT', 'query after: must be topic:partition:offset');
  return { topic, partition: Number(partition), offset: Number(offset) };
}
