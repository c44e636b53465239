/** Which consumer groups are the platform's own, by their names. */
import { KitError } from '../../kit/errors.ts';
import { deliveryGroupOf } from '../notification-delivery.ts';
import { groupOf, PROJECTION_NAMES, type ProjectionName } from '../projection.ts';

/** A projection's name; `delivery`: of notices to the webhook; null: somebody else's. */
export type GroupOwner = ProjectionName | 'delivery' | null;

export function groupOwner(group: string, groupId: string): GroupOwner {
  if (group === deliveryGroupOf(groupId)) return 'delivery';
  return PROJECTION_NAMES.find((name) => groupOf(name, groupId) === group) ?? null;
}

/** @throws KitError PROJECTION_GROUP where setting the group's offsets would change nothing */
export function notOfProjection(group: string, groupId: string): void {
  const owner = groupOwner(group, groupId);
  if (owner === null) return;
  const [what, instead] =
    owner === 'delivery'
      ? ['what has been delivered', 'Notices that were delivered are not delivered again.']
      : ['what it has counted', `streamsocial projections rebuild ${owner} reads its events again.`];
  const who = owner === 'delivery' ? 'delivers notices' : `is the group of the projection ${owner}`;
  throw new KitError(
    'PROJECTION_GROUP',
    `'${group}' ${who}. Where it goes on is stored with ${what}, so that no event counts ` +
      `twice; offsets in the log are a hint for tools, and setting them would change nothing. ${instead}`,
    { details: { group, projection: owner } },
  );
}
