import type { ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { dead } from '../kit/consumers/verdict.ts';
import type { GivenUp } from './rebuild-set-aside.ts';

type Parts<E> = Pick<ConsumerOptions<E>, 'handler' | 'deadLetters' | 'onBehind'>;

/**
 * What a group has given up stays given up when its store is lost and the log is processed once more: the record is counted as
 * dead again, without another attempt and another letter, as a rebuild does it. Only a replay, a record of its own, brings it back.
 */
export function keepGivenUp<E>(
  { handler, deadLetters }: Pick<Parts<E>, 'handler' | 'deadLetters'>,
  givenUp: GivenUp,
): Parts<E> {
  return {
    handler: (event, context) =>
      givenUp.has(context.record)
        ? dead('it was given up before; a replay is what brings it back', 'GIVEN_UP_BEFORE')
        : handler(event, context),
    onBehind: () => givenUp.refresh(),
    deadLetters: {
      prepare: (topics) => deadLetters.prepare(topics),
      async capture(letters) {
        const first = letters.filter(({ record }) => !givenUp.has(record));
        if (first.length > 0) await deadLetters.capture(first);
      },
    },
  };
}
