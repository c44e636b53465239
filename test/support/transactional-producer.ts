import { randomUUID } from 'node:crypto';
import { Producer, stringSerializers } from '@platformatic/kafka';

/** Somebody else's, with transactions; to be closed by the caller. */
export function transactionalProducer(bootstrap: readonly string[]) {
  return new Producer({
    clientId: 'other',
    bootstrapBrokers: [...bootstrap],
    serializers: stringSerializers,
    transactionalId: randomUUID(),
    idempotent: true,
    retries: 30,
    retryDelay: 200,
  });
}
