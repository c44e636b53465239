/** What a user did last, by the newest records: of who only reacts to others no projection has a document of their own. */
import { CATEGORIES, type SocialEvent } from '../domains/social/events.ts';
import { SOCIAL_TOPICS } from '../domains/social/topics.ts';
import type { EventLog, LogRecord } from '../kit/log/event-log.ts';
import { Mentions, rawOf } from '../kit/log/mentions.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { budgetOf, type Span, scan, spansOf } from './journey/log-scan.ts';

export interface ActsLooked {
  /** Null where none was found. */
  readonly newest: { readonly event: SocialEvent; readonly record: LogRecord } | null;
  /** That were looked at, newest first. */
  readonly records: number;
  /** Whether that is all of the log. */
  readonly complete: boolean;
}

const ACTIONS = CATEGORIES.user_action.topic;
const MAX_RECORDS = 20_000;
const MAX_MS = 100;

/** @throws KitError LOG_UNAVAILABLE and what else `read` throws; the signal's reason */
export async function newestActOf(
  log: Pick<EventLog, 'read' | 'describe' | 'listOffsets'>,
  codec: Pick<EventCodec<SocialEvent>, 'decode'>,
  userId: string,
  signal: AbortSignal,
): Promise<ActsLooked> {
  const all = await spansOf(log, SOCIAL_TOPICS, 'earliest', 'latest');
  const mentions = new Mentions([userId]);
  let newest: ActsLooked['newest'] = null;
  const { left, records } = await scan(
    log,
    'backwards',
    likelyFirst(all, userId),
    budgetOf(MAX_RECORDS, MAX_MS, signal),
    (record) => {
      if (!mentions.in(rawOf(record))) return false;
      const decoded = codec.decode(record);
      if (!decoded.ok || decoded.event.user_id !== userId) return false;
      if (newest === null || record.timestamp >= newest.record.timestamp) newest = { event: decoded.event, record };
      return true;
    },
  );
  return { newest, records, complete: left.length === 0 };
}

/** Where a user's own actions are, by their key, comes first; the rest of that topic, where another partitioner puts them, last. */
function likelyFirst(spans: readonly Span[], userId: string): Span[] {
  const actions = spans.filter(({ topic }) => topic === ACTIONS);
  const others = spans.filter(({ topic }) => topic !== ACTIONS);
  const own = actions.length === 0 ? -1 : partitionFor(userId, actions.length);
  const [likely, unlikely] = [true, false].map((is) => actions.filter(({ partition }) => (partition === own) === is));
  return [...likely!, ...others, ...unlikely!];
}
