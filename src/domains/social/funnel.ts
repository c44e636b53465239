/**
 * How far users come: registered; of those, posted; of those, had a post liked. Each stage is a HyperLogLog in which a user
 * is entered by the last of the events it takes, whichever that is:
 *
 * - `registered/<user>`, `posts/<user>`, `authors/<content>`, `liked/<content>` say what has happened;
 * - `author/<content>` has the register of an author who is registered, `liked-author/<user>` is there once a post of the user
 *   is liked: each by whichever of its two events comes second;
 * - `funnel/registered`, `funnel/posted`, `funnel/liked` are the sketches.
 *
 * `author/` and `liked-author/` are asked although no plain delta makes them. That holds, because deltas that are not plain are
 * made one after the other: the last of registration, post and like finds what the other two have left.
 *
 * Exact up to 4 authors of one content, and 1,000 posts of a user before they register.
 */
import { type ItemHash, registerOf } from '../../kit/projections/hyperloglog.ts';
import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { SocialEvent } from './events.ts';

export const FUNNEL_PRECISION = 12;
export const FUNNEL_STAGES = ['registered', 'posted', 'liked'] as const;
export const MAX_AUTHORS = 4;
export const MAX_POSTS = 1_000;

const YES = { yes: 'yes' };

/** @param hash of the event's user */
export function funnelDeltas({ event_type: type, ...event }: SocialEvent, hash: ItemHash): Delta[] {
  const { user_id: user } = event;
  const content = 'content_id' in event ? event.content_id : '';
  switch (type) {
    case 'user_registered':
      return registered(user, registerOf(hash, FUNNEL_PRECISION));
    case 'post_created':
      return posted(user, content, utcText(event.timestamp), registerOf(hash, FUNNEL_PRECISION));
    case 'post_liked':
      return liked(content);
    default:
      return [];
  }
}

function registered(user: string, register: Readonly<Record<string, string>>): Delta[] {
  return [
    { key: `registered/${user}`, max: YES },
    { key: 'funnel/registered', max: register },
    { key: 'funnel/posted', max: register, when: { fieldsOf: `posts/${user}`, moreThan: 0 } },
    { key: 'author/', each: `posts/${user}`, max: register },
    { key: 'funnel/liked', max: register, when: { fieldsOf: `liked-author/${user}`, moreThan: 0 } },
  ];
}

function posted(user: string, content: string, at: string, register: Readonly<Record<string, string>>): Delta[] {
  const isRegistered = { fieldsOf: `registered/${user}`, moreThan: 0 };
  const isLiked = { fieldsOf: `liked/${content}`, moreThan: 0 };
  return [
    { key: `posts/${user}`, max: { [content]: at }, keep: MAX_POSTS },
    { key: `authors/${content}`, max: { [user]: at }, keep: MAX_AUTHORS },
    { key: 'funnel/posted', max: register, when: isRegistered },
    { key: `author/${content}`, max: register, when: isRegistered },
    { key: `liked-author/${user}`, max: YES, when: isLiked },
    { key: 'funnel/liked', from: `author/${content}`, when: isLiked },
  ];
}

function liked(content: string): Delta[] {
  return [
    { key: `liked/${content}`, max: YES },
    { key: 'liked-author/', each: `authors/${content}`, max: YES },
    { key: 'funnel/liked', from: `author/${content}` },
  ];
}
