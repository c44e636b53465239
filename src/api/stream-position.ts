/**
 * Positions of a subscription as the text that a client keeps and gives back. `1.<log>.<topic>=<offsets>;…`: the version, a
 * fingerprint of the log, and for each topic the next offset of every partition, in base 36. Opaque to clients: checked here.
 */
import { createHash } from 'node:crypto';
import { KitError } from '../kit/errors.ts';

/** The next offset of each partition, by topic. */
export type Positions = ReadonlyMap<string, readonly number[]>;

const VERSION = '1';
const SHAPE = /^1\.[0-9a-f]{8}\.[a-z0-9-]+=[0-9a-z,]+(?:;[a-z0-9-]+=[0-9a-z,]+)*$/;

export function isPosition(text: string): boolean {
  return text.startsWith(`${VERSION}.`);
}

/** Eight hexadecimal digits of a log's cluster id: a position of another log is not taken for one of this. */
export function logFingerprint(clusterId: string): string {
  return createHash('sha256').update(clusterId).digest('hex').slice(0, 8);
}

export function formatPosition(log: string, positions: Positions): string {
  const topics = [...positions].map(
    ([topic, offsets]) => `${topic}=${offsets.map((offset) => offset.toString(36)).join(',')}`,
  );
  return `${VERSION}.${log}.${topics.join(';')}`;
}

/** @throws KitError INVALID_POSITION where it is none of this log, or not of exactly these topics */
export function parsePosition(text: string, log: string, topics: readonly string[]): Positions {
  if (!SHAPE.test(text)) throw invalid('it is not one that this server has given');
  const [, fingerprint, body = ''] = text.split('.');
  if (fingerprint !== log) throw invalid('it belongs to another log');
  const parts = body.split(';').map((part) => part.split('=') as [topic: string, offsets: string]);
  const own = parts.map(([topic]) => topic);
  if (own.length !== topics.length || !topics.every((topic) => own.includes(topic)))
    throw invalid(`it belongs to a subscription of ${own.join(', ')}`);
  const positions = new Map(parts.map(([topic, offsets]) => [topic, offsets.split(',').map(offsetOf)]));
  return positions;
}

function offsetOf(digits: string): number {
  const offset = Number.parseInt(digits, 36);
  if (!Number.isSafeInteger(offset) || offset.toString(36) !== digits)
    throw invalid('it is not one that this server has given');
  return offset;
}

function invalid(why: string): KitError {
  return new KitError(
    'INVALID_POSITION',
    `The position cannot be used: ${why}. Subscribe from "latest", "earliest" or a time.`,
  );
}
