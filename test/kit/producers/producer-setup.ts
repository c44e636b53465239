/** A producer over a scripted log and a clock that stands still, and eyes for what becomes of its records. */
import assert from 'node:assert/strict';
import { KitError } from '../../../src/kit/errors.ts';
import {
  HighVolumeProducer,
  type OutgoingRecord,
  type ProducerLimits,
  type SendOptions,
} from '../../../src/kit/producers/high-volume-producer.ts';
import { FakeLog, type FakeLogOptions } from '../../support/fake-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

export const TOPIC = 'content-interactions';

export function setUp(options: Partial<ProducerLimits> & Pick<FakeLogOptions, 'fate'> & { partitions?: number } = {}) {
  const { fate, partitions = 1, ...limits } = options;
  const clock = new ManualClock();
  const log = new FakeLog({ clock, topics: [{ name: TOPIC, partitions }], ...(fate === undefined ? {} : { fate }) });
  const producer = new HighVolumeProducer({ log, clock, random: () => 0.5, ...limits });
  return { clock, log, producer };
}

export function record(value: string, key: string | null = 'k', more: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { topic: TOPIC, key, value: Buffer.from(value), ...more };
}

/** The outcome in a form that can be looked at before and after it is there. */
export function watch(promise: Promise<{ partition: number; offset: number }>) {
  const seen: { offset?: number; partition?: number; code?: string; error?: KitError } = {};
  promise.then(
    ({ offset, partition }) => Object.assign(seen, { offset, partition }),
    (error: unknown) => {
      assert(error instanceof KitError, String(error));
      Object.assign(seen, { code: error.code, error });
    },
  );
  return seen;
}

export const sendAll = (producer: HighVolumeProducer, values: readonly string[], options?: SendOptions) =>
  values.map((value) => watch(producer.send(record(value), options)));

/** Afterwards the number of partitions is known, so that sends reach their lane at once. */
export async function warmUp(producer: HighVolumeProducer): Promise<void> {
  await producer.send(record('warm-up'));
}
