import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { consumerGroupHeartbeat as api } from '../protocol/messages/consumer-group-heartbeat.ts';

/**
 * The new consumer protocol (KIP-848) is not offered. The API is, as in Kafka with `group.version=0`: at this answer
 * librdkafka gives up, where without the API it would look for another coordinator for ever.
 */
export const consumerGroupHeartbeat = handler(api, () => ({
  errorCode: ERROR.UNSUPPORTED_VERSION,
  errorMessage: 'The embedded log offers the classic group protocol only: set group.protocol=classic.',
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
}));
