import { KitError } from '../../kit/errors.ts';
import { handler } from '../handler.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { incrementalAlterConfigs as api } from '../protocol/messages/incremental-alter-configs.ts';
import { changeConfig, checkResource, currentConfig, namedTwice } from '../topic-config-changes.ts';
import { topicConfigEntries } from '../topic-config-entries.ts';

type Resource = RequestOf<typeof api>['resources'][number];
type Response = ResponseOf<typeof api>['responses'][number];

/** Codes of Kafka's `AlterConfigOp.OpType` (KIP-339). */
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

export const incrementalAlterConfigs = handler(api, async ({ resources, validateOnly }, _asking, { store }) => {
  const responses: Response[] = [];
  const twice = namedTwice(resources);
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    try {
      checkResource(resource, twice);
      const changes = changesOf(resource, topicConfigEntries(currentConfig(resourceName, store)));
      await changeConfig(resourceName, changes, { store, validateOnly });
      responses.push({ errorCode: ERROR.NONE, resourceType, resourceName });
    } catch (error) {
      const errorMessage = errorMessageOf(error);
      responses.push({ errorCode: errorCodeOf(error), errorMessage, resourceType, resourceName });
    }
  }
  return { responses };
});

type Entry = ReturnType<typeof topicConfigEntries>[number];

function changesOf({ configs }: Resource, entries: readonly Entry[]): Record<string, string | null> {
  const missing = configs.find(({ configOperation, value }) => value === null && configOperation !== DELETE);
  if (missing !== undefined) throw new KitError('INVALID_ARGUMENT', `${missing.name} needs a value.`);
  const changes = configs.map(({ name, configOperation, value }): [string, string | null] => {
    if (configOperation === DELETE) return [name, null];
    if (configOperation === SET) return [name, value];
    const entry = entries.find((each) => each.name === name);
    return [name, inList(entry, name, configOperation, value!)];
  });
  return Object.fromEntries(changes);
}

function inList(entry: Entry | undefined, name: string, operation: number, value: string): string {
  if (operation !== APPEND && operation !== SUBTRACT) {
    throw new KitError('INVALID_ARGUMENT', `There is no operation ${operation}.`);
  }
  if (entry?.definition.type !== 'list') {
    throw new KitError('INVALID_CONFIG', `${name} cannot be changed by operation ${operation}: it is no list.`);
  }
  const now = split(entry.value);
  const given = split(value);
  const kept = now.filter((each) => operation === APPEND || !given.includes(each));
  return [...kept, ...given.filter((each) => operation === APPEND && !now.includes(each))].join(',');
}

function split(list: string): string[] {
  return list === '' ? [] : list.split(',').map((each) => each.trim());
}
