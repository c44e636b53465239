import { hash } from 'node:crypto';
import type { NotificationKind } from './notification-settings.ts';
import { type Subject, subjectText } from './notifications.ts';

/** One thing that one user did, told to another as it happens; lists put the same ones together. */
export interface Notice {
  /** The same however often it is delivered, and by whichever process: for receivers to leave repetitions out. */
  readonly id: string;
  /** Who is told. */
  readonly user_id: string;
  readonly kind: NotificationKind;
  /** Null of `follow`. */
  readonly content_id: string | null;
  /** Who did it. */
  readonly actor: string;
  /** When, RFC 3339 UTC. */
  readonly at: string;
}

export function noticeOf(userId: string, subject: Subject, actor: string, at: string): Notice {
  const { kind, id } = subject;
  return {
    id: hash('sha256', JSON.stringify([userId, subjectText(subject), actor, at]), 'base64url').slice(0, 22),
    user_id: userId,
    kind,
    content_id: kind === 'follow' ? null : id,
    actor,
    at,
  };
}
