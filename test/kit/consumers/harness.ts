import type { ConsumerLimits, ConsumerLogger, Handler } from '../../../src/kit/consumers/consumer-options.ts';
import { type RunningConsumer, runConsumer } from '../../../src/kit/consumers/run.ts';
import { ack, dead, retry, type Verdict } from '../../../src/kit/consumers/verdict.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { KitError } from '../../../src/kit/errors.ts';
import type { LogRecord } from '../../../src/kit/log/event-log.ts';
import type { ErrorHandler } from '../../../src/kit/retry/error-handler.ts';
import type { Decoded } from '../../../src/kit/schemas/event-codec.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStore, MemoryStoreData } from '../../support/memory-store.ts';

export const TOPIC = 'things';

/** `fates[n]` is what attempt n + 1 comes to; afterwards `ack`. */
export interface Thing {
  readonly id: string;
  readonly key: string;
  readonly fates: readonly Fate[];
}

export type Fate = 'ack' | 'retry' | 'throw' | 'dead' | 'async' | 'refused';

export const codec = {
  decode(record: LogRecord): Decoded<Thing> {
    try {
      const event = JSON.parse(String(record.value)) as Thing;
      return { ok: true, event, id: event.id };
    } catch {
      return { ok: false, code: 'NOT_JSON', reason: 'not JSON' };
    }
  },
};

/** Appends to one partition; what is left out of a thing is filled in, its id from its place. */
export async function publish(log: MemoryLog, partition: number, ...things: (Partial<Thing> | 'poison')[]) {
  const { end } = log.partition({ topic: TOPIC, partition });
  await log.append({
    topic: TOPIC,
    partition,
    records: things.map((thing, index) => {
      const id = `${partition}-${end + index}`;
      const content = thing === 'poison' ? '{' : JSON.stringify({ id, key: 'k', fates: [], ...thing });
      const key = thing === 'poison' ? 'k' : (thing.key ?? 'k');
      return { key: Buffer.from(key), value: Buffer.from(content), headers: [], timestamp: end + index };
    }),
  });
}

export function obey(thing: Thing, attempt: number): Verdict | Promise<Verdict> {
  const count = { key: thing.key, add: { count: 1 } };
  switch (thing.fates[attempt - 1] ?? 'ack') {
    case 'retry':
      return retry('asked to');
    case 'throw':
      throw new Error('flaky');
    case 'dead':
      return dead('asked to', 'UNWANTED');
    case 'refused':
      return ack([{ key: thing.key, add: { count: 0.5 } }]);
    case 'async':
      return Promise.resolve(ack([count]));
    default:
      return ack([count]);
  }
}

export interface StartOptions {
  readonly limits?: Partial<ConsumerLimits>;
  readonly store?: MemoryStore;
  readonly random?: () => number;
  readonly errorHandler?: ErrorHandler;
}

export class Harness {
  readonly clock = new ManualClock();
  readonly log: MemoryLog;
  readonly data = new MemoryStoreData();
  readonly store = new MemoryStore('things', this.data);
  readonly warnings: string[] = [];
  readonly logger: ConsumerLogger = {
    info() {},
    warn: (_, message) => this.warnings.push(message),
    error: (_, message) => this.warnings.push(message),
  };
  readonly deadLetters: DeadLetterQueue;
  handler: Handler<Thing> = (thing, { attempt }) => obey(thing, attempt);

  constructor(partitions = 1) {
    this.log = new MemoryLog({ [TOPIC]: partitions });
    this.deadLetters = new DeadLetterQueue({ log: this.log, sender: this.log, clock: this.clock });
  }

  /** Lets time pass until the promise settles. */
  async drive<T>(promise: Promise<T>, stepMs = 100, maxMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.clock.advance(0);
    for (let passedMs = 0; !settled; passedMs += stepMs) {
      if (passedMs > maxMs) throw new Error('never settled');
      await this.clock.advance(stepMs);
    }
    return promise;
  }

  start(options: StartOptions = {}): Promise<RunningConsumer> {
    return this.drive<RunningConsumer>(
      runConsumer({
        log: this.log,
        group: 'g',
        topics: [TOPIC],
        codec,
        handler: (thing, context) => this.handler(thing, context),
        store: options.store ?? this.store,
        deadLetters: this.deadLetters,
        clock: this.clock,
        random: options.random ?? (() => 0.5),
        logger: this.logger,
        limits: options.limits ?? {},
        ...(options.errorHandler && { errorHandler: options.errorHandler }),
      }),
    );
  }

  async caughtUp(consumer: RunningConsumer): Promise<void> {
    await this.drive(consumer.caughtUp(3_000_000));
  }

  stop(consumer: RunningConsumer): Promise<void> {
    return this.drive(consumer.stop());
  }

  /** P6: applied + duplicates + parked + dead = log, and every position is the log's end. */
  async balance(): Promise<{ applied: number; duplicates: number; parked: number; dead: number; log: number }> {
    const sum = { applied: 0, duplicates: 0, parked: 0, dead: 0, log: 0 };
    for (const state of await this.store.partitions()) {
      sum.applied += state.tallies.applied;
      sum.duplicates += state.tallies.duplicates;
      sum.dead += state.tallies.dead;
      sum.parked += state.parked;
      sum.log += this.log.records(state).length;
    }
    return sum;
  }

  offsets(partition = 0): number[] {
    return this.data.history.filter((at) => at.partition === partition).map(({ offset }) => offset);
  }
}

export function hasCode(code: string) {
  return (error: unknown) => error instanceof KitError && error.code === code;
}
