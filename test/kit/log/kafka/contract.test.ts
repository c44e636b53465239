import { after, before, describe } from 'node:test';
import { eventLogContract } from '../../../../src/kit/log/contract.ts';
import { KafkaLog } from '../../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka } from '../../../support/cluster.ts';
import { missing } from '../../../support/requirements.ts';

describe('Kafka adapter', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let kafka: TestKafka;
  before(async () => {
    kafka = await kafkaForTests({ brokers: 3 });
  });
  after(() => kafka.stop());

  eventLogContract(
    'Kafka',
    async () => {
      const opened: KafkaLog[] = [];
      const second = async (): Promise<KafkaLog> => {
        const log = await KafkaLog.connect({ bootstrap: kafka.bootstrap, requestTimeoutMs: 5_000 });
        opened.push(log);
        return log;
      };
      const log = await second();
      return { log, second, close: async () => void (await Promise.all(opened.map((one) => one.close()))) };
    },
    { minSessionTimeoutMs: 1_000 },
  );
});
