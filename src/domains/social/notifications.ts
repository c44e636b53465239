/**
 * Who is told what: somebody liked, commented on or shared what you posted, or follows you. Any order of the
 * partitions gives the same documents, as long as a content has at most `MAX_AUTHORS` authors.
 *
 * - `author/<content>`: author -> time of the post
 * - `reactions/<content>`: `like <content>`, `comment <content>`, `share <content>` -> latest time, whoever did it
 * - `who/like <content>` and so on, `who/follow <user>`: who did it -> latest time, the last `MAX_ACTORS`
 * - `inbox/<user>`: `like <content>` and so on, `follow <user>` -> latest time, the last `MAX_INBOX`
 * - `settings/<user>`: `read_until`, and `preferences` behind the time they were given
 */
import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { SocialEvent, SocialEventOf } from './events.ts';
import { type NotificationKind, settingsDelta } from './notification-settings.ts';

export const MAX_AUTHORS = 4;
export const MAX_ACTORS = 100;
export const MAX_INBOX = 500;

/** A field of `inbox/<user>`, and the end of a key of `who/`: the kind, and the content or user it is about. */
export interface Subject {
  readonly kind: NotificationKind;
  /** The content; of `follow` the user who is followed. */
  readonly id: string;
}

type Reaction = SocialEventOf<'post_liked' | 'comment_added' | 'content_shared'>;

const REACTION_KIND: Readonly<Record<Reaction['event_type'], NotificationKind>> = {
  post_liked: 'like',
  comment_added: 'comment',
  content_shared: 'share',
};

export function projectNotifications(event: SocialEvent): Delta[] {
  switch (event.event_type) {
    case 'post_liked':
    case 'comment_added':
    case 'content_shared':
      return reacted(event);
    case 'post_created':
      return posted(event);
    case 'follow_initiated':
      return followed(event);
    case 'profile_updated':
      return settingsDelta(event);
    default:
      return [];
  }
}

/** What an event tells somebody, should there be somebody to tell; null where it tells nothing. */
export function subjectTold(event: SocialEvent): Subject | null {
  switch (event.event_type) {
    case 'post_liked':
    case 'comment_added':
    case 'content_shared':
      return { kind: REACTION_KIND[event.event_type], id: event.content_id };
    case 'follow_initiated':
      return { kind: 'follow', id: event.data.target_user_id };
    default:
      return null;
  }
}

export function subjectText({ kind, id }: Subject): string {
  return `${kind} ${id}`;
}

/** Of a field that `subjectText` made. */
export function subjectOfText(text: string): Subject {
  const space = text.indexOf(' ');
  return { kind: text.slice(0, space) as NotificationKind, id: text.slice(space + 1) };
}

function reacted(event: Reaction): Delta[] {
  const { content_id: content, user_id: user } = event;
  const at = utcText(event.timestamp);
  const subject = subjectText({ kind: REACTION_KIND[event.event_type], id: content });
  return [
    { key: `reactions/${content}`, max: { [subject]: at } },
    { key: `who/${subject}`, max: { [user]: at }, keep: MAX_ACTORS },
    // to whoever is known as author by now; an author who comes later takes it from `reactions/`
    { each: `author/${content}`, key: 'inbox/', max: { [subject]: at }, keep: MAX_INBOX },
  ];
}

function posted({ user_id: author, content_id: content, timestamp }: SocialEventOf<'post_created'>): Delta[] {
  return [
    { key: `author/${content}`, max: { [author]: utcText(timestamp) }, keep: MAX_AUTHORS },
    { key: `inbox/${author}`, from: `reactions/${content}`, keep: MAX_INBOX },
  ];
}

function followed({ user_id: user, data, timestamp }: SocialEventOf<'follow_initiated'>): Delta[] {
  const at = utcText(timestamp);
  const subject = subjectText({ kind: 'follow', id: data.target_user_id });
  return [
    { key: `who/${subject}`, max: { [user]: at }, keep: MAX_ACTORS },
    { key: `inbox/${data.target_user_id}`, max: { [subject]: at }, keep: MAX_INBOX },
  ];
}
