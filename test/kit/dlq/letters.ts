/** Dead letters in a log in memory, for the tests of what is done with them. */
import type { DeadLetter } from '../../../src/kit/dlq/dead-letter.ts';
import { DeadLetterQueue, type RecordSender } from '../../../src/kit/dlq/dead-letter-queue.ts';
import type { PartitionOffset } from '../../../src/kit/log/event-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';

export const SOURCE = 'things';

export interface LetterWorld {
  readonly log: MemoryLog;
  readonly clock: ManualClock;
  readonly queue: DeadLetterQueue;
  /** What was sent to the source topic, in order. */
  readonly sent: PartitionOffset[];
  /** Called before each send to the source topic. */
  onSend: () => Promise<void> | void;
  capture(offset: number, fields?: Partial<DeadLetter>): Promise<void>;
}

export function letterWorld(maxEntries?: number): LetterWorld {
  const log = new MemoryLog({ [SOURCE]: 3 });
  const clock = new ManualClock();
  const sent: PartitionOffset[] = [];
  const sender: RecordSender = {
    async send(record) {
      if (record.topic === SOURCE) await world.onSend();
      const { topic, partition, key, value, headers } = record;
      const stored = { key, value, headers, timestamp: clock.now() };
      const { baseOffset } = await log.append({ topic, partition, records: [stored] });
      const place = { topic, partition, offset: baseOffset };
      if (topic === SOURCE) sent.push(place);
      return place;
    },
  };
  const queue = new DeadLetterQueue({ log, sender, clock, ...(maxEntries === undefined ? {} : { maxEntries }) });
  const world: LetterWorld = {
    log,
    clock,
    queue,
    sent,
    onSend: () => {},
    async capture(offset, fields = {}) {
      const record = { topic: SOURCE, partition: 0, offset, key: null, value: null, headers: [], timestamp: 0 };
      const reason = `post_${offset} is missing`;
      const common = { group: 'g', code: 'GONE', reason, deliveryCount: 1, firstFailedAt: clock.now() };
      await queue.capture([{ record, ...common, ...fields }]);
    },
  };
  return world;
}
