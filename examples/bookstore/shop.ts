/** The side that knows no reader: it decides on orders and publishes what it has decided. */
import { CATALOG } from 'streamsocial/domains/bookstore/catalog';
import { orderPlacedCodec } from 'streamsocial/domains/bookstore/codec';
import type { OrderPlaced } from 'streamsocial/domains/bookstore/events';
import { decide, evolve, NO_ORDER, type Order, type PlaceOrder } from 'streamsocial/domains/bookstore/order';
import type { EventLog } from 'streamsocial/kit/log/event-log';
import { EventPublisher } from 'streamsocial/kit/producers/event-publisher';
import type { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';

const OPENED_MS = Date.parse('2026-05-27T08:00:00Z');
const MINUTE_MS = 60_000;
const CUSTOMERS = 8;

/** Order number `n`, one every six minutes. */
export function order(n: number): PlaceOrder {
  const books = [...CATALOG.keys()];
  const lines = [{ isbn: books[n % books.length]!, quantity: 1 + (n % 3) }];
  return { order_id: `order-${n}`, customer_id: `customer-${n % CUSTOMERS}`, lines };
}

export class Shop {
  readonly #publisher: EventPublisher<OrderPlaced>;
  readonly #orders = new Map<string, Order>();

  constructor(producer: HighVolumeProducer, topic: string) {
    const { encode, ...codec } = orderPlacedCodec;
    this.#publisher = new EventPublisher({
      producer,
      codec: { ...codec, encode: (event) => ({ ...encode(event), topic }) },
    });
  }

  /** Resolves once what it leads to is in the log: one event, or none for a command that was given before. */
  async place(n: number): Promise<void> {
    const command = order(n);
    const before = this.#orders.get(command.order_id) ?? NO_ORDER;
    const decision = decide(command, before, CATALOG);
    if (!decision.ok) throw new Error(decision.reason);
    for (const draft of decision.events) {
      this.#orders.set(command.order_id, evolve(before, draft));
      await this.#publisher.publish({ ...draft, timestamp: new Date(OPENED_MS + 6 * n * MINUTE_MS).toISOString() });
    }
  }

  async placeAll(from: number, below: number): Promise<void> {
    await Promise.all(Array.from({ length: below - from }, (_, n) => this.place(from + n)));
  }
}

/** Copies ordered of all books, read straight from the log: what the inventory has to come to. */
export async function copiesInLog(log: EventLog, topic: string): Promise<number> {
  let copies = 0;
  for (const { partition } of (await log.describe([topic])).topics[0]!.partitions) {
    const [end] = await log.listOffsets([{ topic, partition, at: 'latest' }]);
    for (let offset = 0; offset < end!; ) {
      const { records } = await log.read({ topic, partition, offset, maxWaitMs: 1_000 });
      for (const record of records) {
        const decoded = orderPlacedCodec.decode(record);
        if (decoded.ok) for (const { quantity } of decoded.event.data.lines) copies += quantity;
        offset = record.offset + 1;
      }
    }
  }
  return copies;
}
