/** Kafka's rules for topics (`org.apache.kafka.common.internals.Topic`). */
import { randomBytes } from 'node:crypto';
import { KitError } from '../../errors.ts';
import type { TopicSpec } from '../event-log.ts';
import { checkTopicConfigs } from './topic-configs.ts';

const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 10_000;

/** @throws KitError INVALID_TOPIC */
export function checkTopicName(name: string): void {
  if (LEGAL_NAME.test(name) && name !== '.' && name !== '..') return;
  const rule = 'a name is 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and neither "." nor ".."';
  throw new KitError('INVALID_TOPIC', `There can be no topic "${name}": ${rule}.`, { details: { topic: name } });
}

/** @throws KitError INVALID_TOPIC for the name, INVALID_PARTITIONS, INVALID_CONFIG */
export function checkTopic({ name, partitions, config = {} }: TopicSpec): void {
  checkTopicName(name);
  checkPartitionCount(name, partitions);
  checkTopicConfigs(config);
}

/** @throws KitError INVALID_PARTITIONS */
export function checkPartitionCount(topic: string, partitions: number, least = 1): void {
  if (Number.isInteger(partitions) && partitions >= least && partitions <= MAX_PARTITIONS) return;
  const message = `Topic "${topic}" can have ${least} to ${MAX_PARTITIONS} partitions, not ${partitions}.`;
  throw new KitError('INVALID_PARTITIONS', message, { details: { topic, partitions } });
}

/** 16 random bytes in URL-safe base64, as Kafka writes ids; a leading "-" would look like an option on a command line. */
export function randomId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    // Also leaves out Kafka's reserved ids, all zeros and one.
    if (!id.startsWith('-') && !id.startsWith('AAAAAAAAAAAAAAAAAAAA')) return id;
  }
}
