import type { SocialEvent } from '../../../../src/domains/social/events.ts';
import type { Document } from '../../../../src/kit/projections/projection-store.ts';

/** The documents of the sessions projection, folded straight from events. */
export function foldSessions(events: Iterable<SocialEvent>): Map<string, Document> {
  const expiries = [...events].filter((event) => event.event_type === 'session_expired');
  return new Map(
    [...Map.groupBy(expiries, ({ user_id }) => user_id)].map(([user, list]) => {
      const lastMs = Math.max(...list.map(({ timestamp }) => Date.parse(timestamp)));
      const last = new Date(lastMs).toISOString();
      const reasons = list
        .filter(({ timestamp }) => Date.parse(timestamp) === lastMs)
        .map(({ data: { reason = '' } }) => Buffer.from(reason.substring(0, 200)))
        .sort(Buffer.compare);
      return [user, { expired: list.length, last_expired_at: last, last_reason: `${last} ${reasons.at(-1)}` }];
    }),
  );
}
