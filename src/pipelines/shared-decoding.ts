import type { LogRecord } from '../kit/log/event-log.ts';
import type { Decoded, EventCodec } from '../kit/schemas/event-codec.ts';

/**
 * Decodes a record once for all consumers that are handed the same object, as the embedded log's groups are; nothing is
 * kept longer than the record. Events are shared then, so nobody may change one.
 */
export function sharedDecoding<E>(codec: Pick<EventCodec<E>, 'decode'>): Pick<EventCodec<E>, 'decode'> {
  const known = new WeakMap<LogRecord, Decoded<E>>();
  return {
    decode(record) {
      let decoded = known.get(record);
      if (decoded === undefined) {
        decoded = codec.decode(record);
        known.set(record, decoded);
      }
      return decoded;
    },
  };
}
