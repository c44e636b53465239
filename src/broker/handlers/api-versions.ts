import { type Handler, handler } from '../handler.ts';
import { ERROR } from '../protocol/error-codes.ts';
import { apiVersions as api } from '../protocol/messages/api-versions.ts';
import { produce } from '../protocol/messages/produce.ts';

/** Software names as KIP-511 has them. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** @param others every other handler of the broker */
export function apiVersionsFor(others: readonly Handler[]): Handler<typeof api> {
  const apiKeys = [...others.map(({ api }) => api), api]
    .map(({ key, versions: [first, last] }) => ({
      apiKey: key,
      // librdkafka compresses only if version 0 is named (KAFKA-18659); Kafka 4 names it too and answers it no more than we do
      minVersion: key === produce.key ? 0 : first,
      maxVersion: last,
    }))
    .sort((a, b) => a.apiKey - b.apiKey);
  return handler(api, ({ clientSoftwareName: name, clientSoftwareVersion: version }, asking) => {
    const valid = asking.version < 3 || (SOFTWARE.test(name) && SOFTWARE.test(version));
    return valid ? { errorCode: ERROR.NONE, apiKeys } : { errorCode: ERROR.INVALID_REQUEST, apiKeys: [] };
  });
}
