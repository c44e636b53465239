/** One reaction in two ways: a shipping label for every order. They differ in where customer and book come from. */
import { join } from 'node:path';
import { type RunningConsumer, runConsumer } from 'streamsocial/kit/consumers/run';
import { ack, retry, type Verdict } from 'streamsocial/kit/consumers/verdict';
import { DeadLetterQueue } from 'streamsocial/kit/dlq/dead-letter-queue';
import type { LogRecord } from 'streamsocial/kit/log/event-log';
import type { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { SqliteProjectionStore } from 'streamsocial/kit/projections/embedded/sqlite-store';
import type { Delta } from 'streamsocial/kit/projections/projection-store';
import { ErrorHandler } from 'streamsocial/kit/retry/error-handler';
import type { Ground } from '../ground.ts';
import type { Book, Customer, Services } from './services.ts';

/** A thin event: what happened, and ids. */
export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly book: string;
}

/** An event that carries the state that it tells of. */
export interface Changed {
  /** `customer/<id>` or `book/<id>` */
  readonly id: string;
  readonly version: number;
  readonly state: Customer | Book;
}

export interface Running {
  readonly consumer: RunningConsumer;
  readonly store: SqliteProjectionStore;
}

function label({ id }: Order, { title }: Book, { name, address }: Customer): Verdict {
  return ack([{ key: id, max: { label: `${title} to ${name}, ${address}` } }]);
}

/** Event notification: asks the services back, for every order. */
export function askingBack(services: Services) {
  return async (order: Order): Promise<Verdict> => {
    const customer = await services.customer(order.customer);
    return label(order, await services.book(order.book), customer);
  };
}

/** Event-carried state transfer: looks into its own copy. */
export function fromCopy(copy: SqliteProjectionStore) {
  return async (order: Order): Promise<Verdict> => {
    const [customer, book] = await copy.getMany([`customer/${order.customer}`, `book/${order.book}`]);
    if (customer == null || book == null) return retry('its customer or book is not known yet');
    return label(order, stateIn<Book>(book), stateIn<Customer>(customer));
  };
}

/** The copy: of each customer and book the latest state. The greatest text stays, and the version stands first. */
export function keepCopy({ id, version, state }: Changed): Verdict {
  const latest = `${String(version).padStart(6, '0')} ${JSON.stringify(state)}`;
  return ack([{ key: id, max: { latest } } satisfies Delta]);
}

function stateIn<T>(document: Readonly<Record<string, number | string>>): T {
  const latest = String(document.latest);
  return JSON.parse(latest.slice(latest.indexOf(' ') + 1)) as T;
}

export async function react<E extends { readonly id: string }>(
  ground: Ground,
  sender: HighVolumeProducer,
  name: string,
  topic: string,
  handler: (event: E) => Verdict | Promise<Verdict>,
): Promise<Running> {
  const store = await SqliteProjectionStore.open({ path: join(ground.directory, `${name}.sqlite`), name });
  const consumer = await runConsumer<E>({
    log: ground.log,
    group: ground.name(name),
    topics: [topic],
    codec: {
      decode: (record: LogRecord) => ({ ok: true, event: JSON.parse(record.value!.toString()), id: placeOf(record) }),
    },
    handler,
    store,
    deadLetters: new DeadLetterQueue({ log: ground.log, sender }),
    sessionTimeoutMs: ground.sessionTimeoutMs,
    // a service that is down is no fault of the order: wait, and count no attempt
    errorHandler: new ErrorHandler(() => 'systemic'),
    limits: { maxRecoveryDelayMs: 200 },
  });
  return { consumer, store };
}

function placeOf({ partition, offset }: LogRecord): string {
  return `${partition}/${offset}`;
}
