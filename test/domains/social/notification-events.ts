/** Events as tests of notifications and analytics need them, on an afternoon by the minute. */
import type { SocialEvent } from '../../../src/domains/social/events.ts';

const metadata = { source: '/s', schema_version: '1' };

export function at(minute: number): string {
  return new Date(Date.UTC(2026, 4, 27, 14, minute)).toISOString();
}

type AboutContent = 'post_created' | 'post_liked' | 'comment_added' | 'content_shared' | 'story_viewed';

export function reaction(event_type: AboutContent, user_id: string, content_id: string, minute = 0): SocialEvent {
  return { event_id: 'e', event_type, user_id, content_id, timestamp: at(minute), data: {}, metadata };
}

export function follow(user_id: string, target_user_id: string, minute = 0): SocialEvent {
  const data = { target_user_id };
  return { event_id: 'e', event_type: 'follow_initiated', user_id, timestamp: at(minute), data, metadata };
}

export function profile(user_id: string, data: object, minute = 0): SocialEvent {
  return { event_id: 'e', event_type: 'profile_updated', user_id, timestamp: at(minute), data, metadata };
}

export function registration(user_id: string, minute = 0): SocialEvent {
  return { event_id: 'e', event_type: 'user_registered', user_id, timestamp: at(minute), data: {}, metadata };
}
