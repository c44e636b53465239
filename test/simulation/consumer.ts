/** Those who read: each a process with `runConsumer` and a dead letter queue, one life after the other. */
import { type RunningConsumer, runConsumer } from '../../src/kit/consumers/run.ts';
import { DeadLetterQueue } from '../../src/kit/dlq/dead-letter-queue.ts';
import { isKitError } from '../../src/kit/errors.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import type { Sent } from '../../src/kit/producers/pending.ts';
import { RetryPolicy } from '../../src/kit/retry/retry-policy.ts';
import { decode, handlerFor } from './events.ts';
import { TOPIC } from './oracle.ts';
import type { Scene } from './scene.ts';
import { SimProcess } from './sim-process.ts';

const RESTART_MS = 50;
const WAIT_MS = 300;
const MAX_TURNS = 5;
const WAIT_CODES = ['NOT_APPLIED_YET', 'PARTITION_NOT_OWNED', 'TOO_MANY_WAITERS', 'CONSUMER_STOPPED'];

export class Consumer {
  readonly #scene: Scene;
  readonly #name: string;
  #lives = 0;
  #running: RunningConsumer | null = null;
  #sender: HighVolumeProducer | null = null;
  process: SimProcess;

  constructor(scene: Scene, name: string) {
    this.#scene = scene;
    this.#name = name;
    this.process = this.#begin();
  }

  get running(): boolean {
    return this.#running !== null && this.process.alive;
  }

  #begin(): SimProcess {
    const process = new SimProcess(`${this.#name}.${++this.#lives}`, this.#scene.scheduler);
    this.#running = null;
    this.#scene.runIn(process, () => void this.#start(process));
    return process;
  }

  async #start(process: SimProcess): Promise<void> {
    const { plan, random, catalogue, oracle } = this.#scene;
    const log = this.#scene.logFor(process);
    this.#sender = new HighVolumeProducer({
      log,
      clock: process.steadyClock,
      random: random.next,
      deliveryTimeoutMs: 1_000,
      retryBackoffMs: 10,
    });
    try {
      const running = await runConsumer({
        log,
        group: 'group',
        topics: [TOPIC],
        codec: { decode: (record) => decode(record, catalogue) },
        handler: handlerFor(catalogue, process.clock),
        store: this.#scene.storeFor(process),
        deadLetters: new DeadLetterQueue({ log, sender: this.#sender, clock: process.clock }),
        retryPolicy: new RetryPolicy({ ...plan.retry, random: random.next }),
        clock: process.clock,
        random: random.next,
        limits: plan.consumer,
        clientId: process.name,
        sessionTimeoutMs: plan.sessionTimeoutMs,
        logger: {
          info: () => {},
          warn: (_fields, message) => oracle.trace(`${process.name} ${message}`),
          error: () => {},
        },
      });
      this.#running = running;
      running.ended.catch((error: unknown) => oracle.violate('consumer-goes-on', `${process.name} ended: ${error}`));
    } catch (error) {
      if (!isKitError(error) || !error.retriable) {
        oracle.violate('consumer-goes-on', `${process.name} did not start: ${error}`);
      }
      process.kill();
      this.#scene.scheduler.after(RESTART_MS, null, () => this.restart());
    }
  }

  crash(restartMs: number): void {
    this.process.kill();
    this.#scene.scheduler.after(restartMs, null, () => this.restart());
  }

  restart(): void {
    if (!this.process.alive) this.process = this.#begin();
  }

  /** Leaves in order. @param restartMs when a successor joins; null: none does */
  stop(restartMs: number | null): void {
    const { process } = this;
    const running = this.#running;
    const sender = this.#sender;
    if (running === null || !process.alive) return;
    this.#running = null;
    this.#scene.runIn(process, () => {
      const stopped = running.stop().then(() => sender?.close());
      const gone = stopped.then(() => {
        process.kill();
        if (restartMs !== null) this.#scene.scheduler.after(restartMs, null, () => this.restart());
      });
      this.#scene.mustSettle(process, 'stop', gone);
    });
  }

  /** `waitFor`: when it says that a record is settled, it is so durably. */
  awaitEffect({ topic, partition, offset }: Sent): void {
    const { process } = this;
    const running = this.#running;
    const { oracle } = this.#scene;
    if (running === null) return;
    this.#scene.runIn(process, () => {
      const waited = running.waitFor({ topic, partition, offset }, WAIT_MS).then(
        () => {
          // A store that lost everything is noticed a little later.
          if (oracle.isSettled(partition, offset) || this.#scene.storeLosses > 0) return;
          oracle.violate('wait-for', `${process.name} said that ${partition}/${offset} is settled`);
        },
        (error: unknown) => {
          if (isKitError(error) && WAIT_CODES.includes(error.code)) return;
          oracle.violate('wait-for', `${process.name}: ${String(error)}`);
        },
      );
      this.#scene.mustSettle(process, 'waitFor', waited);
    });
  }

  /** With nothing left to do, it says so; a member that is on its way back into the group needs a while. */
  async confirmRest(timeoutMs: number): Promise<void> {
    const { clock } = this.process;
    for (let turn = 0; this.#running !== null; turn++) {
      try {
        return await this.#running.caughtUp(timeoutMs);
      } catch (error) {
        if (!isKitError(error, 'TOO_MANY_WAITERS') || turn === MAX_TURNS) throw error;
        await new Promise<void>((resolve) => clock.after(WAIT_MS, resolve));
      }
    }
  }
}
