/** The adapter for Kafka, against the embedded log's broker: what a second process on the same machine has. */
import { eventLogContract } from '../../../src/kit/log/contract.ts';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { serveLog } from '../../support/served-log.ts';

const minSessionTimeoutMs = 1_000;

eventLogContract(
  'embedded, over the wire',
  async () => {
    const served = await serveLog({ settings: { minSessionTimeoutMs } });
    const opened: KafkaLog[] = [];
    const second = async (): Promise<KafkaLog> => {
      const log = await KafkaLog.connect({ bootstrap: [served.bootstrap], requestTimeoutMs: 5_000 });
      opened.push(log);
      return log;
    };
    return {
      log: await second(),
      second,
      async close() {
        await Promise.all(opened.map((log) => log.close()));
        await served.close();
      },
    };
  },
  { minSessionTimeoutMs },
);
