import { KitError } from '../../kit/errors.ts';
import { handler } from '../handler.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { ResponseOf } from '../protocol/layout.ts';
import { alterConfigs as api } from '../protocol/messages/alter-configs.ts';
import { changeConfig, checkResource, currentConfig, namedTwice } from '../topic-config-changes.ts';

type Response = ResponseOf<typeof api>['responses'][number];

/** What IncrementalAlterConfigs replaced, and kafkajs still asks: what is not named goes back to its default. */
export const alterConfigs = handler(api, async ({ resources, validateOnly }, _asking, { store }) => {
  const responses: Response[] = [];
  const twice = namedTwice(resources);
  for (const resource of resources) {
    const { resourceType, resourceName, configs } = resource;
    try {
      checkResource(resource, twice);
      const unnamed = Object.keys(currentConfig(resourceName, store)).map((name) => [name, null] as const);
      const named = configs.map(({ name, value }) => {
        if (value === null) throw new KitError('INVALID_ARGUMENT', `${name} needs a value.`);
        return [name, value] as const;
      });
      const changes = Object.fromEntries<string | null>([...unnamed, ...named]);
      await changeConfig(resourceName, changes, { store, validateOnly });
      responses.push({ errorCode: ERROR.NONE, resourceType, resourceName });
    } catch (error) {
      const errorMessage = errorMessageOf(error);
      responses.push({ errorCode: errorCodeOf(error), errorMessage, resourceType, resourceName });
    }
  }
  return { responses };
});
