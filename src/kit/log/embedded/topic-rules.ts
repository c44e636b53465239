/** Kafka's rules for topics (`org.apache.kafka.common.internals.Topic`), and the settings that the embedded log heeds. */
import { KitError } from '../../errors.ts';
import type { TopicSpec } from '../event-log.ts';

const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 10_000;
const MAX_MESSAGE_BYTES = 'max.message.bytes';
/** SQLite holds a row of up to 1 GB; the writer should never be given that much at once. */
const MESSAGE_BYTES_LIMIT = 64 * 1024 * 1024;

/** @throws KitError INVALID_TOPIC */
export function checkTopic({ name, partitions, config = {} }: TopicSpec): void {
  const refuse = (reason: string): never => {
    throw new KitError('INVALID_TOPIC', `Topic "${name}" cannot be created: ${reason}.`, { details: { topic: name } });
  };
  if (!LEGAL_NAME.test(name) || name === '.' || name === '..') {
    refuse('a name is 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and neither "." nor ".."');
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    refuse(`it can have 1 to ${MAX_PARTITIONS} partitions, not ${partitions}`);
  }
  const limit = config[MAX_MESSAGE_BYTES];
  if (limit !== undefined && !(/^\d{1,9}$/.test(limit) && Number(limit) <= MESSAGE_BYTES_LIMIT)) {
    refuse(`${MAX_MESSAGE_BYTES} is a number up to ${MESSAGE_BYTES_LIMIT}, not "${limit}"`);
  }
}

export function maxMessageBytesOf(config: Readonly<Record<string, string>>, defaultBytes: number): number {
  return Number(config[MAX_MESSAGE_BYTES] ?? defaultBytes);
}
