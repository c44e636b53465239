import { socialEventCodec } from '../domains/social/codec.ts';
import type { DeadLetterSink } from '../kit/consumers/consumer-options.ts';

/**
 * A record that nobody can read is unreadable to every group alike, and one dead letter of it is enough: engagement's or
 * activity's. What a handler itself gives up is captured as ever.
 */
export function exceptUnreadable(sink: DeadLetterSink): DeadLetterSink {
  return {
    prepare: (topics) => sink.prepare(topics),
    async capture(letters) {
      const own = letters.filter(({ record }) => socialEventCodec.decode(record).ok);
      if (own.length > 0) await sink.capture(own);
    },
  };
}
