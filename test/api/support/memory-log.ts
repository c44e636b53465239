import { KitError } from '../../../src/kit/errors.ts';
import type { OffsetQuery, PartitionBatch, ReadRequest } from '../../../src/kit/log/event-log.ts';
import { FakeLog } from '../../support/fake-log.ts';

/** A fake log that can be read as well. It does not wait for news. */
export class MemoryLog extends FakeLog {
  override async read(request?: ReadRequest): Promise<PartitionBatch> {
    const { topic, partition, offset, maxRecords = Number.POSITIVE_INFINITY } = request!;
    await this.#check(topic, partition);
    const stored = this.records(topic, partition);
    if (offset > stored.length)
      throw new KitError('OFFSET_OUT_OF_RANGE', `${topic}/${partition} ends at ${stored.length}`, {
        details: { earliest: 0, latest: stored.length },
      });
    const records = stored
      .map((record, index) => ({ ...record, topic, partition, offset: index }))
      .slice(offset, offset + maxRecords);
    return { topic, partition, records, highWatermark: stored.length };
  }

  override async listOffsets(queries: readonly OffsetQuery[] = []): Promise<number[]> {
    return Promise.all(
      queries.map(async ({ topic, partition, at }) => {
        await this.#check(topic, partition);
        return at === 'latest' ? this.records(topic, partition).length : 0;
      }),
    );
  }

  async #check(topic: string, partition: number): Promise<void> {
    const [found] = (await this.describe([topic])).topics;
    if (found!.partitions.length <= partition) throw new KitError('UNKNOWN_PARTITION', `${topic}/${partition}`);
  }
}
