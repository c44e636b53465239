import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import { type ContentInteraction, isContentInteraction, type SocialEvent } from './events.ts';

/** Of one content id. `last_updated` is the latest event time, RFC 3339 UTC with milliseconds. */
export interface Engagement {
  readonly likes: number;
  readonly shares: number;
  readonly comments: number;
  readonly views: number;
  readonly last_updated: string;
}

const ADD: Readonly<Record<ContentInteraction['event_type'], Readonly<Record<string, number>>>> = {
  post_liked: { likes: 1 },
  content_shared: { shares: 1 },
  comment_added: { comments: 1 },
  story_viewed: { views: 1 },
};

/** Engagement counters, keyed by content id; other events change nothing. */
export function project(event: SocialEvent): Delta[] {
  if (!isContentInteraction(event)) return [];
  return [{ key: event.content_id, add: ADD[event.event_type], max: { last_updated: utcText(event.timestamp) } }];
}
