/**
 * What a user wants to be told, and up to when it is read. Both come as `profile_updated` events of the user, in fields of `data`
 * that no other reader need know:
 *
 * - `notifications_read_until`: RFC 3339. What it says beyond the event's own time counts as that time: nobody has
 *   read what is still to come.
 * - `notification_preferences`: `{ like, comment, share, follow }`, each a boolean; one that is missing is true.
 *
 * A value of another shape changes nothing: the event passes its schema, and other readers may have use for it.
 */
import type { Delta, Document } from '../../kit/projections/projection-store.ts';
import { isTimestamp, utcText } from '../../kit/schemas/formats.ts';
import type { SocialEventOf } from './events.ts';

export const NOTIFICATION_KINDS = ['like', 'comment', 'share', 'follow'] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];
export type NotificationPreferences = Readonly<Record<NotificationKind, boolean>>;

export interface NotificationSettings {
  /** RFC 3339 UTC; null where nothing was marked as read. */
  readonly readUntil: string | null;
  readonly preferences: NotificationPreferences;
}

/** The settings of a user after an event; the latest by event time counts (of two at one time, the greater text). */
export function settingsDelta({ user_id: user, data, timestamp }: SocialEventOf<'profile_updated'>): Delta[] {
  const { notifications_read_until: until, notification_preferences: preferences } = data as Record<string, unknown>;
  const at = utcText(timestamp);
  const max: Record<string, string> = {};
  if (typeof until === 'string' && isTimestamp(until)) {
    const read = utcText(until);
    max.read_until = read < at ? read : at;
  }
  const wanted = wantedKinds(preferences);
  if (wanted !== null) max.preferences = [at, ...wanted].join(' ');
  return Object.keys(max).length === 0 ? [] : [{ key: `settings/${user}`, max }];
}

/** Of `settings/<user>`. */
export function settingsOf(document: Document | null): NotificationSettings {
  const { read_until: readUntil = null, preferences = null } = document ?? {};
  const wanted = preferences === null ? NOTIFICATION_KINDS : String(preferences).split(' ');
  const wants = (kind: string) => wanted.some((one) => one === kind);
  return {
    readUntil: readUntil === null ? null : String(readUntil),
    preferences: { like: wants('like'), comment: wants('comment'), share: wants('share'), follow: wants('follow') },
  };
}

/** Null where these are no preferences. */
function wantedKinds(preferences: unknown): readonly string[] | null {
  if (typeof preferences !== 'object' || preferences === null || Array.isArray(preferences)) return null;
  const given = preferences as Record<string, unknown>;
  if (NOTIFICATION_KINDS.some((kind) => Object.hasOwn(given, kind) && typeof given[kind] !== 'boolean')) return null;
  return NOTIFICATION_KINDS.filter((kind) => !Object.hasOwn(given, kind) || given[kind] === true);
}
