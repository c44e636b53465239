/** The events of a simulation: what a record says, and what handlers make of it. */

import type { Clock } from '../../src/kit/clock.ts';
import type { Handler } from '../../src/kit/consumers/consumer-options.ts';
import { ack, dead, retry } from '../../src/kit/consumers/verdict.ts';
import { KitError } from '../../src/kit/errors.ts';
import type { LogRecord } from '../../src/kit/log/event-log.ts';
import type { Delta } from '../../src/kit/projections/projection-store.ts';
import { TransientError } from '../../src/kit/retry/error-handler.ts';
import type { Decoded } from '../../src/kit/schemas/event-codec.ts';
import type { Fate } from './plan.ts';

export interface SimEvent {
  readonly id: string;
  /** Different for every call of `send`, also where the event is the same. */
  readonly sendId: number;
  readonly key: string | null;
  readonly fate: Fate;
}

/** Events by id; the record holds no more than the ids. */
export type Catalogue = Map<string, { readonly fate: Fate; readonly key: string | null; calls: number }>;

export function encode(id: string, sendId: number): Buffer {
  return Buffer.from(`${id} ${sendId}`, 'latin1');
}

export function readIds({ value }: { readonly value: Buffer | null }): { id: string; sendId: number } {
  const [id, sendId] = value!.toString('latin1').split(' ') as [string, string];
  return { id, sendId: Number(sendId) };
}

export function decode(record: LogRecord, catalogue: Catalogue): Decoded<SimEvent> {
  const { id, sendId } = readIds(record);
  const { fate, key } = catalogue.get(id)!;
  if (fate.kind === 'poison') return { ok: false, code: 'UNREADABLE', reason: 'poison' };
  return { ok: true, id, event: { id, sendId, key, fate } };
}

/** What an applied event adds to the documents. */
export function deltasOf({ id, key }: { readonly id: string; readonly key: string | null }): Delta[] {
  return [
    { key: `key/${key}`, add: { events: 1 }, max: { last: id } },
    { key: 'all', add: { events: 1 } },
  ];
}

export function handlerFor(catalogue: Catalogue, clock: Clock): Handler<SimEvent> {
  return (event, { attempt }) => {
    const { fate } = event;
    switch (fate.kind) {
      case 'ok':
        return ack(deltasOf(event));
      case 'slow':
        return new Promise((resolve) => {
          clock.after(fate.lastsMs, () => resolve(ack(deltasOf(event))));
        });
      case 'flaky':
        if (attempt <= fate.failures) throw new TransientError(`attempt ${attempt}`);
        return ack(deltasOf(event));
      case 'again':
        return Promise.resolve(attempt <= fate.failures ? retry('not yet', 30) : ack(deltasOf(event)));
      case 'systemic': {
        const entry = catalogue.get(event.id)!;
        if (entry.calls++ >= fate.calls) return ack(deltasOf(event));
        throw new KitError('STORE_UNAVAILABLE', 'what the handler needs is down', { retriable: true });
      }
      case 'throws':
        throw new Error('a fault of the handler');
      case 'refused':
        return ack([{ key: 'all', add: { events: Number.NaN } }]);
      case 'conflict':
        return ack([
          { key: 'conflict', add: { field: 1 } },
          { key: 'conflict', max: { field: 'text' } },
        ]);
      default:
        return dead('not wanted');
    }
  };
}
