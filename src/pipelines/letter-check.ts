/** Whether an edited copy of a dead letter would be taken: by the codec that consumers use, and by the handlers behind it. */
import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import { replayHeaders } from '../kit/dlq/dead-letter.ts';
import type { ShownDeadLetter } from '../kit/dlq/dead-letter-queue.ts';
import { isKitError } from '../kit/errors.ts';
import type { Header, LogRecord } from '../kit/log/event-log.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import { checkEffect } from '../kit/projections/check-effect.ts';
import { contentMode } from '../kit/schemas/cloud-events.ts';
import type { FieldError } from '../kit/schemas/contract.ts';
import type { Projection, ProjectionName } from './projection.ts';

export interface Repair {
  readonly value?: Buffer;
  readonly key?: string;
  readonly headers?: readonly Header[];
}

export interface RepairError extends FieldError {
  /** What `path` is about: a JSON pointer into the value, or a header's name. */
  readonly where: 'value' | 'header' | 'key' | 'topic';
}

export interface HandlerRefusal {
  readonly handler: ProjectionName;
  readonly code: string;
  readonly reason: string;
}

export interface LetterCheck {
  /** Readable, and refused by no handler. */
  readonly valid: boolean;
  /** What the consumers' codec says; null where it can be read. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly errors: readonly RepairError[];
  /** By handlers that read the topic, of what they say without their state: a failure that comes from that is not foreseen. */
  readonly refusals: readonly HandlerRefusal[];
  /** The handlers that were asked. */
  readonly handlers: readonly ProjectionName[];
  readonly event: Pick<SocialEvent, 'event_id' | 'event_type' | 'user_id'> | null;
  /** Where it would be sent. */
  readonly partition: number;
}

/** @param partitions of the letter's topic */
export function checkLetter(
  { original, ...letter }: ShownDeadLetter,
  repair: Repair,
  projections: readonly Projection[],
  partitions: number,
): LetterCheck {
  const { topic, offset } = letter;
  const key = repair.key === undefined ? original.key : Buffer.from(repair.key);
  const partition = repair.key === undefined ? letter.partition : partitionFor(repair.key, partitions);
  const record: LogRecord = {
    topic,
    partition,
    offset,
    key,
    value: repair.value ?? original.value,
    headers: replayHeaders(repair.headers ?? original.headers, letter.replayCount + 1, letter),
    timestamp: letter.capturedAt,
  };
  const decoded = socialEventCodec.decode(record);
  if (!decoded.ok) {
    const { code, reason } = decoded;
    const errors = errorsOf(record, decoded);
    return { valid: false, code, reason, errors, refusals: [], handlers: [], event: null, partition };
  }
  const asked = projections.filter(({ topics }) => topics.includes(topic));
  const refusals = asked.flatMap((projection) => refusalOf(projection, decoded.event, record) ?? []);
  const { event_id, event_type, user_id } = decoded.event;
  return {
    valid: refusals.length === 0,
    code: null,
    reason: null,
    errors: [],
    refusals,
    handlers: asked.map(({ name }) => name),
    event: { event_id, event_type, user_id },
    partition,
  };
}

interface Unreadable {
  readonly code: string;
  readonly reason: string;
  readonly errors?: readonly FieldError[];
}

const WHERE_BY_CODE: Readonly<Record<string, RepairError['where']>> = {
  MISSING_KEY: 'key',
  KEY_MISMATCH: 'key',
  WRONG_TOPIC: 'topic',
};

function errorsOf(record: LogRecord, { code, reason, errors = [] }: Unreadable): RepairError[] {
  if (errors.length === 0) return [{ where: WHERE_BY_CODE[code] ?? 'value', path: '', message: reason }];
  if (contentMode(record) !== 'binary') return errors.map((error) => ({ where: 'value', ...error }));
  return errors.map(({ path, message }) =>
    path === '/data' || path.startsWith('/data/')
      ? { where: 'value', path: path.slice('/data'.length), message }
      : { where: 'header', path: headerOf(path), message },
  );
}

/** Of a CloudEvents attribute in binary mode. */
function headerOf(path: string): string {
  const name = path.slice(1);
  if (name === 'datacontenttype') return 'content-type';
  return name === 'traceparent' ? name : `ce_${name}`;
}

/** Projections are pure, so they can be asked. */
function refusalOf({ name, project }: Projection, event: SocialEvent, record: LogRecord): HandlerRefusal | null {
  try {
    checkEffect({ offset: record.offset, eventId: event.event_id, deltas: project(event, record) });
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { handler: name, code: isKitError(error) ? error.code : 'HANDLER_FAILED', reason };
  }
}
