import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { SocialEvent } from './events.ts';

export const MAX_SESSION_REASON_CHARS = 200;

/**
 * By user id: how many sessions expired, when the last one did (event time, RFC 3339 UTC with milliseconds), and why as
 * `<when> <reason>`, the reason cut to 200 characters and empty where none was given.
 */
export function projectSessions(event: SocialEvent): Delta[] {
  if (event.event_type !== 'session_expired') return [];
  const at = utcText(event.timestamp);
  const why = (event.data.reason ?? '').slice(0, MAX_SESSION_REASON_CHARS).toWellFormed();
  return [{ key: event.user_id, add: { expired: 1 }, max: { last_expired_at: at, last_reason: `${at} ${why}` } }];
}
