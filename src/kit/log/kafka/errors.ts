import { protocolErrorsCodesById } from '@platformatic/kafka';
import { KitError } from '../../errors.ts';

/** Kafka's name for an error code, e.g. `NOT_LEADER_OR_FOLLOWER`. Source: Kafka protocol guide, "Error Codes". */
export function errorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `ERROR_${code}`;
}

/** The asked broker is not (or no longer) the one to ask: metadata is out of date. */
const STALE_LEADER = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

export function isStaleLeader(code: number): boolean {
  return STALE_LEADER.has(errorName(code));
}

const STALE_COORDINATOR = new Set(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']);

export function isStaleCoordinator(code: number): boolean {
  return STALE_COORDINATOR.has(errorName(code));
}

/** Refusals that a broker gives before it writes anything. */
const NOT_STORED = new Set([
  'CORRUPT_MESSAGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'NOT_ENOUGH_REPLICAS',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_TIMESTAMP',
  'INVALID_REQUEST',
  'POLICY_VIOLATION',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'INVALID_PRODUCER_EPOCH',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_RECORD',
]);

export function mayBeStored(code: number): boolean {
  return !NOT_STORED.has(errorName(code));
}

/** The broker knows nothing of this producer id, or something else: a fresh id starts over. */
const BROKEN_SEQUENCE = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'INVALID_PRODUCER_EPOCH',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_ID_MAPPING',
]);

export function isBrokenSequence(code: number): boolean {
  return BROKEN_SEQUENCE.has(errorName(code));
}

/** Kafka's names of refusals that stay, and ours. The group's are the same. */
const REFUSALS: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'UNKNOWN_TOPIC',
  UNKNOWN_TOPIC_ID: 'UNKNOWN_TOPIC',
  TOPIC_ALREADY_EXISTS: 'TOPIC_EXISTS',
  INVALID_TOPIC_EXCEPTION: 'INVALID_TOPIC',
  INVALID_PARTITIONS: 'INVALID_PARTITIONS',
  INVALID_REPLICATION_FACTOR: 'INVALID_TOPIC',
  INVALID_CONFIG: 'INVALID_CONFIG',
  POLICY_VIOLATION: 'INVALID_TOPIC',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  CORRUPT_MESSAGE: 'CORRUPT_BATCH',
  MEMBER_ID_REQUIRED: 'MEMBER_ID_REQUIRED',
  REBALANCE_IN_PROGRESS: 'REBALANCE_IN_PROGRESS',
  ILLEGAL_GENERATION: 'ILLEGAL_GENERATION',
  UNKNOWN_MEMBER_ID: 'UNKNOWN_MEMBER_ID',
  INCONSISTENT_GROUP_PROTOCOL: 'INCONSISTENT_GROUP_PROTOCOL',
  INVALID_SESSION_TIMEOUT: 'INVALID_SESSION_TIMEOUT',
  INVALID_GROUP_ID: 'INVALID_GROUP_ID',
  NON_EMPTY_GROUP: 'GROUP_ACTIVE',
  GROUP_SUBSCRIBED_TO_TOPIC: 'GROUP_SUBSCRIBED',
  GROUP_ID_NOT_FOUND: 'UNKNOWN_GROUP',
  TOPIC_DELETION_DISABLED: 'TOPIC_DELETION_DISABLED',
};

/** What is plainer than Kafka's name. */
const WORDS: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic or partition',
  TOPIC_ALREADY_EXISTS: 'the topic exists already',
  NON_EMPTY_GROUP: 'the group is not empty',
  GROUP_SUBSCRIBED_TO_TOPIC: 'the group reads the topic',
  GROUP_ID_NOT_FOUND: 'there is no such group',
};

/** Waiting or asking elsewhere does not help against these. */
const LASTING =
  /AUTHORIZATION|AUTHENTICATION|UNSUPPORTED|SECURITY|^INVALID_|^GROUP_|LISTENER|TOO_LARGE|^FENCED_INSTANCE/;

/**
 * A broker's refusal as a KitError: one of ours, REFUSED_BY_KAFKA for what no retry can help, or LOG_UNAVAILABLE.
 *
 * @param what what was being done, for the message
 * @param said what the broker says beside its code
 */
export function refusal(
  code: number,
  what: string,
  details: Record<string, unknown> = {},
  said?: string | null,
): KitError {
  const name = errorName(code);
  const known = REFUSALS[name];
  const all = { ...details, kafkaError: name };
  const message = `${what}: ${WORDS[name] ?? (said || name)}`;
  if (known !== undefined) return new KitError(known, message, { details: all });
  if (LASTING.test(name)) return new KitError('REFUSED_BY_KAFKA', message, { details: all });
  return unavailable(message, { details: all });
}

export function unavailable(
  message: string,
  options: { cause?: unknown; details?: Record<string, unknown> } = {},
): KitError {
  return new KitError('LOG_UNAVAILABLE', message, { ...options, retriable: true });
}
