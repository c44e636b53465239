/** An event of each type as a client would send it, to start from. */
import type { EventType } from './events.ts';

export interface EventExample {
  readonly event_type: EventType;
  readonly user_id: string;
  readonly content_id?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const USER = 'u_42';
const POST = 'post_991';
const EXAMPLES: Readonly<Record<EventType, Omit<EventExample, 'event_type' | 'user_id'>>> = {
  user_registered: { data: { handle: 'ada', display_name: 'Ada Lovelace' } },
  post_created: { content_id: POST, data: { text: 'Notes on the analytical engine', tags: ['history', 'computing'] } },
  profile_updated: { data: { fields: ['display_name'] } },
  follow_initiated: { data: { target_user_id: 'u_7' } },
  comment_added: { content_id: POST, data: { comment_id: 'comment_5', text: 'Well put.', length: 9 } },
  post_liked: { content_id: POST, data: {} },
  content_shared: { content_id: POST, data: { channel: 'link' } },
  story_viewed: { content_id: 'story_12', data: { duration_ms: 4_200 } },
  content_moderated: { content_id: POST, data: { action: 'hidden', reason: 'reported' } },
  session_expired: { data: { session_id: 'session_3', reason: 'idle' } },
};

export function exampleOf(type: EventType): EventExample {
  return { event_type: type, user_id: USER, ...EXAMPLES[type] };
}
