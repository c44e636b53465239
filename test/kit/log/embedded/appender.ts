/** A process that appends to several partitions until it is killed and tells its parent what was acknowledged. */
import { isKitError } from '../../../../src/kit/errors.ts';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';

export const TOPIC = 'durable';
export const PARTITIONS = 3;

async function run(directory: string): Promise<void> {
  const log = await EmbeddedLog.open({ directory });
  await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]).catch((error) => {
    if (!isKitError(error, 'TOPIC_EXISTS')) throw error;
  });
  for (let partition = 0; partition < PARTITIONS; partition++) void fill(log, partition);
}

async function fill(log: EmbeddedLog, partition: number): Promise<void> {
  for (let size = 1; ; size = (size % 50) + 1) {
    const [end] = await log.listOffsets([{ topic: TOPIC, partition, at: 'latest' }]);
    const records = Array.from({ length: size }, (_, i) => ({
      key: null,
      value: Buffer.from(`${partition}/${end! + i}`),
      headers: [],
      timestamp: Date.now(),
    }));
    const { baseOffset } = await log.append({ topic: TOPIC, partition, records });
    process.send?.({ partition, acknowledged: baseOffset + size });
  }
}

if (process.argv[1] === import.meta.filename) {
  run(process.argv[2]!).catch((error) => {
    process.send?.({ code: error.code, message: error.message });
    process.exitCode = 1;
    process.disconnect();
  });
}
