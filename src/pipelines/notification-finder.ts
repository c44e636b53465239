import type { SocialEvent } from '../domains/social/events.ts';
import { type Notice, noticeOf } from '../domains/social/notification-notice.ts';
import { settingsOf } from '../domains/social/notification-settings.ts';
import { type Subject, subjectOfText, subjectTold } from '../domains/social/notifications.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';
import type { Document, ProjectionStore } from '../kit/projections/projection-store.ts';
import { utcText } from '../kit/schemas/formats.ts';

export interface FinderOptions {
  /** Of the notifications projection. */
  readonly state: Pick<ProjectionStore, 'getMany'>;
  /** Waits until the notifications projection has applied a position. @throws KitError NOT_APPLIED_YET */
  readonly applied: (position: PartitionOffset) => Promise<void>;
  readonly nowMs?: () => number;
}

/** What is older is in the lists, but nobody is told any more: a group that begins with an old log does not tell it all. */
export const MAX_NOTICE_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Whom an event gives something to be told. Posts and what others do to them come by different topics, in any order:
 * whichever of the two is applied second finds the other, so nothing is missed, and what both find has one id.
 */
export class NotificationFinder {
  readonly #options: Required<FinderOptions>;

  constructor(options: FinderOptions) {
    this.#options = { nowMs: Date.now, ...options };
  }

  /** Without those that the receivers do not want. @throws KitError NOT_APPLIED_YET, STORE_UNAVAILABLE */
  async find(event: SocialEvent, position: PartitionOffset): Promise<Notice[]> {
    const oldest = new Date(this.#options.nowMs() - MAX_NOTICE_AGE_MS).toISOString();
    const at = utcText(event.timestamp);
    const told = subjectTold(event);
    if (event.event_type !== 'post_created' && (told === null || at < oldest)) return [];
    await this.#options.applied(position);
    const notices =
      event.event_type === 'post_created'
        ? await this.#soFar(event.user_id, event.content_id)
        : (await this.#receivers(told!)).map((receiver) => noticeOf(receiver, told!, event.user_id, at));
    return this.#wanted(notices.filter((notice) => notice.actor !== notice.user_id && notice.at >= oldest));
  }

  /** What others did to a content before its author was known. */
  async #soFar(author: string, content: string): Promise<Notice[]> {
    const [reactions = null] = await this.#options.state.getMany([`reactions/${content}`]);
    const subjects = Object.keys(reactions ?? {});
    const who = await this.#read(subjects.map((subject) => `who/${subject}`));
    return subjects.flatMap((subject, index) =>
      Object.entries(who[index] ?? {}).map(([actor, at]) =>
        noticeOf(author, subjectOfText(subject), actor, String(at)),
      ),
    );
  }

  async #receivers({ kind, id }: Subject): Promise<string[]> {
    if (kind === 'follow') return [id];
    const [authors = null] = await this.#options.state.getMany([`author/${id}`]);
    return Object.keys(authors ?? {});
  }

  async #wanted(notices: readonly Notice[]): Promise<Notice[]> {
    const receivers = [...new Set(notices.map(({ user_id }) => user_id))];
    const documents = await this.#read(receivers.map((receiver) => `settings/${receiver}`));
    const settings = new Map(receivers.map((receiver, index) => [receiver, settingsOf(documents[index] ?? null)]));
    return notices.filter(({ user_id, kind }) => settings.get(user_id)!.preferences[kind]);
  }

  async #read(keys: readonly string[]): Promise<(Document | null)[]> {
    return keys.length === 0 ? [] : this.#options.state.getMany(keys);
  }
}
