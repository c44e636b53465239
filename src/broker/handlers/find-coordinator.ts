import { NODE_ID } from '../../kit/log/embedded/log-reader.ts';
import { type Broker, handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { findCoordinator as api } from '../protocol/messages/find-coordinator.ts';

const GROUP = 0;
const TRANSACTION = 1;
const NOWHERE = { nodeId: -1, host: '', port: -1 };
/** The one code at which Java's producer and librdkafka's both end at once and pass the message on. */
const NO_TRANSACTIONS = {
  ...NOWHERE,
  errorCode: ERROR.CLUSTER_AUTHORIZATION_FAILED,
  errorMessage: 'transactions are not offered by the embedded log',
};

export const findCoordinator = handler(api, ({ key, keyType, coordinatorKeys }, { version }, broker) => {
  const keys = version >= 4 ? coordinatorKeys : [key];
  const coordinators = keys.map((each) => ({ key: each, ...coordinatorOf(keyType, broker) }));
  const first = coordinators[0] ?? { ...NOWHERE, errorCode: ERROR.NONE };
  return { ...first, coordinators };
});

function coordinatorOf(keyType: number, { host, port }: Broker) {
  if (keyType === GROUP) return { errorCode: ERROR.NONE, nodeId: NODE_ID, host, port };
  if (keyType === TRANSACTION) return NO_TRANSACTIONS;
  const errorMessage = `there is no coordinator for keys of type ${keyType}`;
  return { ...NOWHERE, errorCode: ERROR.INVALID_REQUEST, errorMessage };
}
