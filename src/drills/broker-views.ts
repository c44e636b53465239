/** The cluster as single brokers see it, which is not the same while one of them was frozen or cut off. */
import { type API, describeQuorumV2, metadataV12 } from '@platformatic/kafka';
import { BrokerLink } from '../kit/log/kafka/broker-link.ts';
import { parseAddress } from '../kit/log/kafka/cluster-view.ts';

export interface MetadataQuorum {
  /** Node id of the active controller. Metadata does not tell it: any broker is named there (KIP-590). */
  readonly leaderId: number;
  /** Rises with every election. */
  readonly leaderEpoch: number;
}

const METADATA_LOG = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
const TIMEOUT_MS = 1_000;

/** The controller's own answer, through any of these brokers; null while there is none, or none that they can reach. */
export async function metadataQuorum(brokers: readonly string[]): Promise<MetadataQuorum | null> {
  const answers = await Promise.all(
    brokers.map(async (broker) => {
      const partition = (await ask(broker, describeQuorumV2.api, [METADATA_LOG]))?.topics[0]?.partitions[0];
      return partition === undefined || partition.errorCode !== 0 || partition.leaderId < 0 ? [] : [partition];
    }),
  );
  // one that was cut off may still answer for a moment, with the epoch before
  return answers.flat().sort((a, b) => b.leaderEpoch - a.leaderEpoch)[0] ?? null;
}

/** Whether each of these brokers answers, and sees all replicas of all partitions in sync. */
export async function inSyncEverywhere(brokers: readonly string[], topics: readonly string[]): Promise<boolean> {
  const views = await Promise.all(brokers.map((broker) => ask(broker, metadataV12.api, [[...topics], false, false])));
  return views.every((view) =>
    view?.topics.every(({ partitions }) =>
      partitions.every(
        ({ leaderId, isrNodes, replicaNodes }) => leaderId >= 0 && isrNodes.length === replicaNodes.length,
      ),
    ),
  );
}

async function ask<A extends unknown[], R>(address: string, api: API<A, R>, args: A): Promise<R | null> {
  const { host, port } = parseAddress(address);
  const link = new BrokerLink(host, port, { clientId: 'drill', connectTimeoutMs: TIMEOUT_MS });
  try {
    return await link.request(api, args, { timeoutMs: TIMEOUT_MS });
  } catch {
    return null;
  } finally {
    link.close();
  }
}
