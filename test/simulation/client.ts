/** Those who send: each a process with a `HighVolumeProducer`, one life after the other. */
import { isKitError } from '../../src/kit/errors.ts';
import { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import type { Sent } from '../../src/kit/producers/pending.ts';
import { encode } from './events.ts';
import { type Send, TOPIC } from './oracle.ts';
import type { Scene } from './scene.ts';
import { SimProcess } from './sim-process.ts';

/** Refusals that leave nothing behind, whatever their details say. */
const NEVER_STORED = ['QUEUE_FULL', 'RECORD_TOO_LARGE', 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION'];
const MAX_REPEATS = 2;

export class Client {
  readonly #scene: Scene;
  readonly #slot: number;
  #lives = 0;
  #calls = 0;
  process: SimProcess;
  producer: HighVolumeProducer;

  constructor(scene: Scene, slot: number) {
    this.#scene = scene;
    this.#slot = slot;
    [this.process, this.producer] = this.#begin();
  }

  #begin(): [SimProcess, HighVolumeProducer] {
    const { scheduler, plan, random } = this.#scene;
    const process = new SimProcess(`client-${this.#slot}.${++this.#lives}`, scheduler);
    this.#calls = 0;
    const producer = new HighVolumeProducer({
      log: this.#scene.logFor(process),
      clock: process.steadyClock,
      random: random.next,
      ...plan.producer,
    });
    return [process, producer];
  }

  /** The process dies; what it had not heard of may be in the log or not. */
  crash(): void {
    this.process.kill();
    for (const send of this.#scene.oracle.sends) {
      if (send.producer === this.process.name && send.outcome === 'open') {
        send.outcome = 'unknown';
        this.#repeat(send, 0);
      }
    }
    [this.process, this.producer] = this.#begin();
  }

  close(): void {
    const { process, producer } = this;
    const timeoutMs = this.#scene.random.between(10, 500);
    this.#scene.runIn(process, () => this.#scene.mustSettle(process, 'close', producer.close({ timeoutMs })));
    [this.process, this.producer] = this.#begin();
  }

  flush(): void {
    const { process, producer } = this;
    const { oracle } = this.#scene;
    const before = oracle.sends.filter((send) => send.producer === process.name && send.outcome === 'open');
    this.#scene.runIn(process, () => {
      const flushed = producer.flush().then(() => {
        const open = before.find(({ outcome }) => outcome === 'open');
        if (open !== undefined)
          oracle.violate('flush', `${process.name}: send ${open.id} had no outcome after a flush`);
      });
      this.#scene.mustSettle(process, 'flush', flushed);
    });
  }

  /** @param repeats how often the event was sent before, because nobody knew what had become of it */
  send(eventId: string, key: string | null, repeats = 0): void {
    const { process, producer } = this;
    const { random, plan, oracle } = this.#scene;
    const id = oracle.sends.length;
    const send: Send = { id, eventId, key, producer: process.name, outcome: 'open', partition: -1, offset: -1 };
    oracle.sends.push(send);
    this.#scene.runIn(process, () => {
      if (process === this.process) this.#calls++;
      const record = { topic: TOPIC, key, value: encode(eventId, send.id) };
      const promise = producer.send(record, {
        whenFull: random.chance(0.3) ? 'reject' : 'wait',
        ...(random.chance(plan.ackTimeouts) && { ackTimeoutMs: random.between(5, 500) }),
      });
      promise.then(
        (sent) => this.#acknowledged(send, sent),
        (error: unknown) => this.#failed(send, error, repeats),
      );
    });
  }

  #acknowledged(send: Send, sent: Sent): void {
    const { oracle, random } = this.#scene;
    oracle.trace(`${send.producer} acknowledged ${send.id} at ${sent.partition}/${sent.offset}`);
    oracle.acknowledged(send, sent);
    if (random.chance(0.15)) this.#scene.awaitEffect(sent);
  }

  #failed(send: Send, error: unknown, repeats: number): void {
    const { oracle } = this.#scene;
    if (!isKitError(error)) {
      oracle.violate('typed-errors', `${send.producer} failed with ${String(error)}`);
      return;
    }
    oracle.trace(`${send.producer} failed ${send.id} ${error.code} ${error.details.maybeStored}`);
    const certain = error.details.maybeStored === false || NEVER_STORED.includes(error.code);
    send.outcome = certain ? 'not stored' : 'unknown';
    if (error.retriable) this.#repeat(send, repeats);
  }

  #repeat({ eventId, key }: Send, repeats: number): void {
    const { random } = this.#scene;
    // Without a key it may go to another partition, which knows nothing of the first.
    if (key === null || repeats >= MAX_REPEATS || !random.chance(0.6)) return;
    this.#scene.sendLater(random.between(1, 300), () => this.send(eventId, key, repeats + 1));
  }

  /** Bounds and sums of the producer's own counts. */
  check(): void {
    const { plan, oracle } = this.#scene;
    const { messages_sent, messages_failed, queue_size } = this.producer.metrics();
    const { maxQueuedRecords = 0, maxWaitingCallers = 0 } = plan.producer;
    if (queue_size > maxQueuedRecords + maxWaitingCallers) {
      oracle.violate('bounds', `${this.process.name} holds ${queue_size} records`);
    }
    if (messages_sent + messages_failed + queue_size !== this.#calls) {
      const sum = `${messages_sent} sent + ${messages_failed} failed + ${queue_size} queued`;
      oracle.violate('producer-counts', `${this.process.name}: ${sum} is not ${this.#calls} calls`);
    }
  }
}
