import type { ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { dead } from '../kit/consumers/verdict.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import { shared } from '../kit/monitoring/shared.ts';
import type { GivenUp } from './rebuild-set-aside.ts';

type Parts<E> = Pick<ConsumerOptions<E>, 'handler' | 'store' | 'deadLetters'>;

/**
 * What a group has given up stays given up when its store is lost and the log is processed once more: the record is counted as
 * dead again, without another attempt and another letter, as a rebuild does it. Only a replay, a record of its own, brings it back.
 */
export function keepGivenUp<E>({ handler, store, deadLetters }: Parts<E>, givenUp: GivenUp, log: EventLog): Parts<E> {
  const refresh = shared(
    () => givenUp.refresh(),
    0,
    () => performance.now(),
  );
  return {
    handler: (event, context) =>
      givenUp.has(context.record)
        ? dead('it was given up before; a replay is what brings it back', 'GIVEN_UP_BEFORE')
        : handler(event, context),
    store: {
      name: store.name,
      async claim(partition) {
        const claim = await store.claim(partition);
        const [end] = await log.listOffsets([{ ...partition, at: 'latest' }]);
        if ((claim.next ?? 0) >= end!) return claim;
        // a reading that is under way may have passed the letters of the owner before
        refresh.forget();
        await refresh();
        return claim;
      },
      apply: (batch) => store.apply(batch),
      partitions: () => store.partitions(),
    },
    deadLetters: {
      prepare: (topics) => deadLetters.prepare(topics),
      async capture(letters) {
        const first = letters.filter(({ record }) => !givenUp.has(record));
        if (first.length > 0) await deadLetters.capture(first);
      },
    },
  };
}
