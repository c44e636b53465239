import { apiVersionsV3 } from '@platformatic/kafka';
import type { ClusterView } from './cluster-view.ts';
import { refusal } from './errors.ts';

/** The highest version of an API that this broker takes; -1 where it does not know the API. */
export async function offeredVersion(cluster: ClusterView, node: number, apiKey: number): Promise<number> {
  const { errorCode, apiKeys } = await cluster.askNode(node, apiVersionsV3.api, ['streamsocial', '1']);
  if (errorCode !== 0) throw refusal(errorCode, 'API versions');
  return apiKeys.find((one) => one.apiKey === apiKey)?.maxVersion ?? -1;
}
