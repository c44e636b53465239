import type { ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { dead } from '../kit/consumers/verdict.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { GivenUp } from './rebuild-set-aside.ts';

type Parts<E> = Pick<ConsumerOptions<E>, 'handler' | 'store' | 'deadLetters'>;

/**
 * What a group has given up stays given up when its store is lost and the log is processed once more: the record is counted as
 * dead again, without another attempt and another letter, as a rebuild does it. Only a replay, a record of its own, brings it back.
 */
export function keepGivenUp<E>({ handler, store, deadLetters }: Parts<E>, givenUp: GivenUp, log: EventLog): Parts<E> {
  const refresh = coalesced(() => givenUp.refresh());
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
        if ((claim.next ?? 0) < end!) await refresh();
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

/** Whoever asks while one is under way shares the one after it: what was there when they asked is in it. */
function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | null = null;
  return () => {
    next ??= running.then(() => {
      next = null;
      const own = work();
      running = own.catch(() => {});
      return own;
    });
    return next;
  };
}
