import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import { isContentInteraction, type SocialEvent } from './events.ts';

/** Of one event type of user-actions and system-events. */
export interface Activity {
  readonly total: number;
  /** The latest event time, RFC 3339 UTC with milliseconds. */
  readonly last_event_at: string;
}

const ONE = { total: 1 };

/** How often each type happened, keyed by event type; content interactions belong to engagement. */
export function projectActivity(event: SocialEvent): Delta[] {
  if (isContentInteraction(event)) return [];
  return [{ key: event.event_type, add: ONE, max: { last_event_at: utcText(event.timestamp) } }];
}
