import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { CLUSTER_OPERATIONS } from '../authorized-operations.ts';
import { handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { describeCluster as api } from '../protocol/messages/describe-cluster.ts';

const [BROKERS, CONTROLLERS] = [1, 2];

export const describeCluster = handler(api, (request, _asking, { store, host, port }) => {
  const { clusterId } = store;
  if (request.endpointType !== BROKERS) {
    const errorMessage = 'There are no controllers to ask: this broker is the whole cluster.';
    const errorCode =
      request.endpointType === CONTROLLERS ? ERROR.MISMATCHED_ENDPOINT_TYPE : ERROR.UNSUPPORTED_ENDPOINT_TYPE;
    return { errorCode, errorMessage, clusterId: '', brokers: [] };
  }
  return {
    errorCode: ERROR.NONE,
    clusterId,
    controllerId: NODE_ID,
    brokers: [{ brokerId: NODE_ID, host, port }],
    ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {}),
  };
});
