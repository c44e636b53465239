import type { SocialEvent, SocialEventOf } from '../../../../src/domains/social/events.ts';
import type { Document } from '../../../../src/kit/projections/projection-store.ts';

type Moderated = SocialEventOf<'content_moderated'>;

const STRICTEST_FIRST = ['removed', 'hidden', 'restored'];

/** The documents of the moderation projection, folded straight from events. */
export function foldModeration(events: Iterable<SocialEvent>): Map<string, Document> {
  const moderated = [...events].filter((event) => event.event_type === 'content_moderated');
  const documents = new Map<string, Document>();
  for (const [id, actions] of Map.groupBy(moderated, ({ content_id }) => content_id)) {
    const [last] = actions.sort(laterFirst);
    const { action } = last!.data;
    const strictness = 2 - STRICTEST_FIRST.indexOf(action);
    const counts = Object.entries(Object.groupBy(actions, ({ data }) => data.action));
    documents.set(id, {
      ...Object.fromEntries(counts.map(([name, list]) => [name, list!.length])),
      latest: `${new Date(Date.parse(last!.timestamp)).toISOString()} ${strictness} ${action} ${reasonOf(last!)}`,
    });
  }
  return documents;
}

function laterFirst(a: Moderated, b: Moderated): number {
  return (
    Date.parse(b.timestamp) - Date.parse(a.timestamp) ||
    STRICTEST_FIRST.indexOf(a.data.action) - STRICTEST_FIRST.indexOf(b.data.action) ||
    Buffer.compare(Buffer.from(reasonOf(b)), Buffer.from(reasonOf(a)))
  );
}

/** Half a surrogate pair becomes U+FFFD. */
function reasonOf({ data: { reason = '' } }: Moderated): string {
  return Buffer.from(reason.substring(0, 200)).toString();
}
