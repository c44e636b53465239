import { statfs } from 'node:fs/promises';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import type { ResponseOf } from '../protocol/layout.ts';
import { describeLogDirs as api } from '../protocol/messages/describe-log-dirs.ts';

type Topics = ResponseOf<typeof api>['results'][number]['topics'];

export const describeLogDirs = handler(api, async ({ topics: asked }, _asking, { store }) => {
  const wanted = asked === null ? null : new Map(asked.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  const topics: Topics = store
    .topics()
    .filter(({ name }) => wanted === null || wanted.has(name))
    .map(({ name, partitions }) => ({
      name,
      partitions: Array.from({ length: partitions }, (_, partition) => partition)
        .filter((partition) => wanted === null || wanted.get(name)!.has(partition))
        .map((partitionIndex) => ({
          partitionIndex,
          partitionSize: store.partitionBytes({ topic: name, partition: partitionIndex }),
        })),
    }))
    .filter(({ partitions }) => partitions.length > 0);
  return {
    results: [{ errorCode: ERROR.NONE, logDir: store.directory ?? 'memory', topics, ...(await room(store.directory)) }],
  };
});

/** Of the file system (KIP-827); unknown for a log in memory. */
async function room(directory: string | null): Promise<{ totalBytes?: number; usableBytes?: number }> {
  if (directory === null) return {};
  const { bsize, blocks, bavail } = await statfs(directory);
  return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
}
