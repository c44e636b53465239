/** What else reacts to the events, each a consumer group and a projection of its own, so that none waits for another. */
import { projectAnalytics } from '../domains/social/analytics.ts';
import { CATEGORIES } from '../domains/social/events.ts';
import { projectFeed } from '../domains/social/feed.ts';
import { projectModeration } from '../domains/social/moderation.ts';
import { projectNotifications } from '../domains/social/notifications.ts';
import { projectSessions } from '../domains/social/sessions.ts';
import type { ProjectionStores } from './open-stores.ts';
import { groupOf, type Projection, type ReactionName } from './projection.ts';

const { user_action: actions, content_interaction: interactions, system_event: system } = CATEGORIES;

/** Read by people, who do not notice it; at low rates it halves the number of transactions, and more. */
const SOON = { gatherMs: 50 };

const REACTIONS: Readonly<Record<ReactionName, Pick<Projection, 'topics' | 'project' | 'deduplicate' | 'limits'>>> = {
  feed: {
    topics: [actions.topic],
    project: projectFeed,
    deduplicate: false,
    // a post goes to as many timelines as its author has followers, at 5 to 30 µs each (benchmarks/fan-out.ts)
    limits: { ...SOON, maxChunkRecords: 25 },
  },
  notifications: {
    topics: [actions.topic, interactions.topic],
    project: projectNotifications,
    deduplicate: false,
    limits: SOON,
  },
  analytics: {
    topics: [actions.topic, interactions.topic, system.topic],
    project: projectAnalytics,
    limits: { gatherMs: 250 },
  },
  moderation: { topics: [system.topic], project: projectModeration, limits: SOON },
  sessions: { topics: [system.topic], project: projectSessions, limits: SOON },
};

export function reactions(stores: Pick<ProjectionStores, ReactionName>, groupId: string): Projection[] {
  return (Object.keys(REACTIONS) as ReactionName[]).map((name) => ({
    ...REACTIONS[name],
    name,
    group: groupOf(name, groupId),
    store: stores[name],
    folded: null,
  }));
}
