import type { Delta, Document } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import type { SocialEvent, SocialEventOf } from './events.ts';

export type ModerationAction = SocialEventOf<'content_moderated'>['data']['action'];

/** Of one content id: what holds now, and how often each action was taken. */
export interface Moderation {
  readonly action: ModerationAction;
  readonly hidden_from_feeds: boolean;
  /** Of the action that holds, cut to 200 characters; empty where none was given. */
  readonly reason: string;
  /** Event time of the action that holds, RFC 3339 UTC with milliseconds. */
  readonly since: string;
  readonly actions: Readonly<Record<ModerationAction, number>>;
}

export const MAX_REASON_CHARS = 200;
/** Of actions of one millisecond the strictest holds: to show what was removed is the worse mistake. */
const STRICTNESS: Readonly<Record<ModerationAction, number>> = { restored: 0, hidden: 1, removed: 2 };
const LATEST = /^(\S{24}) \d (hidden|removed|restored) (.*)$/s;

/** By content id: the latest action by event time as `<when> <strictness> <action> <reason>`, and a counter per action. */
export function projectModeration(event: SocialEvent): Delta[] {
  if (event.event_type !== 'content_moderated') return [];
  const { action, reason = '' } = event.data;
  const why = reason.slice(0, MAX_REASON_CHARS).toWellFormed();
  const latest = `${utcText(event.timestamp)} ${STRICTNESS[action]} ${action} ${why}`;
  return [{ key: event.content_id, add: { [action]: 1 }, max: { latest } }];
}

/** Null where nothing was ever moderated. */
export function moderationOf(document: Document | null): Moderation | null {
  if (document === null) return null;
  const [, since, action, reason] = LATEST.exec(String(document.latest)) as unknown as [
    string,
    string,
    ModerationAction,
    string,
  ];
  const count = (name: ModerationAction): number => Number(document[name] ?? 0);
  const actions = { hidden: count('hidden'), removed: count('removed'), restored: count('restored') };
  return { action, hidden_from_feeds: action !== 'restored', reason, since, actions };
}

/** Whether content is kept out of feeds: hidden or removed, and not restored since. */
export function isHidden(document: Document | null): boolean {
  return moderationOf(document)?.hidden_from_feeds ?? false;
}
