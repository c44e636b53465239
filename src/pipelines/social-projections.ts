import { projectActivity } from '../domains/social/activity.ts';
import { CONTENT_INTERACTIONS } from '../domains/social/events.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { ProjectionStore } from '../kit/projections/projection-store.ts';
import { EngagementConsumer } from './engagement-consumer.ts';
import { groupOf, type Projection } from './projection.ts';

export interface SocialStores {
  readonly engagement: ProjectionStore;
  readonly activity: ProjectionStore;
}

/** Engagement reads content-interactions as `groupId`, activity the other topics as `<groupId>.activity`. */
export function socialProjections(
  stores: SocialStores,
  groupId: string,
): { readonly engagement: Projection; readonly activity: Projection } {
  return {
    engagement: EngagementConsumer.projection(stores.engagement, groupId),
    activity: {
      name: 'activity',
      group: groupOf('activity', groupId),
      topics: SOCIAL_TOPICS.filter((topic) => topic !== CONTENT_INTERACTIONS),
      store: stores.activity,
      project: projectActivity,
      folded: (fold) => fold.activity(),
    },
  };
}
