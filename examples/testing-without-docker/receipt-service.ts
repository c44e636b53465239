/** A service as one writes it: orders come in, receipts go out. It knows Kafka, and nothing of how it is tested. */
import { Kafka, logLevel } from 'kafkajs';

export interface ReceiptServiceOptions {
  readonly brokers: string[];
  /** Whether the producer numbers its batches, so that the broker knows a repeated one. */
  readonly idempotent: boolean;
}

export interface ReceiptService {
  stop(): Promise<void>;
}

export async function startReceiptService({ brokers, idempotent }: ReceiptServiceOptions): Promise<ReceiptService> {
  const kafka = new Kafka({
    brokers,
    clientId: 'receipts',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  });
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 1 });
  const consumer = kafka.consumer({ groupId: 'receipts' });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const order = JSON.parse(message.value!.toString()) as { id: string; cents: number };
      const receipt = JSON.stringify({ order: order.id, paid: (order.cents / 100).toFixed(2) });
      await producer.send({ topic: 'receipts', messages: [{ key: order.id, value: receipt }] });
    },
  });
  return {
    async stop() {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
}
