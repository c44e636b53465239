/** What was lately sent to the webhook of notifications, and how often that was tried: in memory, bounded, for an event's journey. */
import type { Notice } from '../domains/social/notification-notice.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';

interface Tried {
  readonly attempts: number;
  /** Of all its notices; null while not all are sent. */
  readonly notices: readonly Pick<Notice, 'user_id' | 'kind'>[] | null;
}

const MAX_EVENTS = 10_000;
const SHOWN = 5;

export class DeliveryNotes {
  readonly #maxEvents: number;
  /** By place; the oldest first. */
  readonly #events = new Map<string, Tried>();
  /** By partition: up to which offset something may have been forgotten. */
  readonly #forgotten = new Map<string, number>();

  constructor(maxEvents = MAX_EVENTS) {
    this.#maxEvents = maxEvents;
  }

  /** @param sent false: it failed, and is tried again or given up */
  tried(place: PartitionOffset, notices: readonly Notice[], sent: boolean): void {
    // most events tell nobody anything
    if (notices.length === 0) return;
    const attempts = (this.#events.get(nameOf(place))?.attempts ?? 0) + 1;
    const kept = sent ? notices.map(({ user_id, kind }) => ({ user_id, kind })) : null;
    this.#events.delete(nameOf(place));
    this.#events.set(nameOf(place), { attempts, notices: kept });
    if (this.#events.size > this.#maxEvents) this.#forget(this.#events.keys().next().value!);
  }

  /** What came of it, for people. @param isDone that this process is through with it, to the best of its knowledge */
  textOf(place: PartitionOffset, isDone: boolean): string | null {
    const tried = this.#events.get(nameOf(place));
    if (tried === undefined) {
      const isKnown = isDone && place.offset > (this.#forgotten.get(partitionOf(place)) ?? -1);
      return isKnown ? 'Nobody was to be told of it: nothing was sent to the webhook.' : null;
    }
    const { attempts, notices } = tried;
    if (notices === null) return `Tried ${times(attempts)} at the webhook, and not accepted.`;
    const shown = notices.slice(0, SHOWN).map(({ kind, user_id }) => `${kind} to ${user_id}`);
    const rest = notices.length > SHOWN ? ` and ${notices.length - SHOWN} more` : '';
    const how = attempts === 1 ? '' : ` at attempt ${attempts}`;
    const count = notices.length === 1 ? '1 notice' : `${notices.length} notices`;
    return `${count} accepted by the webhook${how}: ${shown.join(', ')}${rest}.`;
  }

  #forget(name: string): void {
    this.#events.delete(name);
    const cut = name.lastIndexOf('/');
    const [partition, offset] = [name.slice(0, cut), Number(name.slice(cut + 1))];
    this.#forgotten.set(partition, Math.max(offset, this.#forgotten.get(partition) ?? 0));
  }
}

function nameOf(place: PartitionOffset): string {
  return `${partitionOf(place)}/${place.offset}`;
}

function partitionOf({ topic, partition }: PartitionOffset): string {
  return `${topic}/${partition}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
