/**
 * How one document came to be what it is: the log folded by the projection's own function, as far as it concerns this document,
 * event by event. Of the other documents only those are made that have a say in it (`when`, `from`, `each`), by their
 * kind: a key's text up to its first `/`.
 *
 * The order is that of `mergedRecords`; the events before a time are then the same as in `StateAt`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SocialEvent } from '../domains/social/events.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog, LogRecord, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { comparePlaces, type MergedRecord, mergedRecords } from '../kit/log/merged-records.ts';
import { applyEffects } from '../kit/projections/changes.ts';
import { toDocument } from '../kit/projections/deltas.ts';
import type { StoreImage } from '../kit/projections/embedded/sqlite-image.ts';
import { IdTable } from '../kit/projections/id-table.ts';
import type { Delta, Document } from '../kit/projections/projection-store.ts';
import { type FieldChange, TrackedDocuments } from '../kit/projections/tracked-documents.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import type { Projection } from './projection.ts';

export interface DocumentChange extends PartitionOffset {
  /** It counts from this on, ms since the epoch; see `MergedRecord`. */
  readonly at: number;
  readonly event: Pick<SocialEvent, 'event_id' | 'event_type' | 'user_id' | 'timestamp'>;
  readonly fields: readonly FieldChange[];
}

export interface HistoryParts {
  readonly log: Pick<EventLog, 'read'>;
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly projection: Pick<Projection, 'name' | 'project' | 'deduplicate'>;
  readonly key: string;
  /** The record key of every event that can change the document; null where they have several. */
  readonly recordKey: string | null;
  readonly windowMs: number;
  readonly limits: HistoryLimits;
}

export interface HistoryLimits {
  /** Changes that are remembered, the newest, and their fields all together. */
  readonly changes: number;
  readonly changedFields: number;
  /** Of all documents that are made. */
  readonly fields: number;
  readonly ids: number;
}

/** Documents of these kinds have a say, and were not made: to be begun again with them. */
export class NewlyAsked {
  readonly kinds: ReadonlySet<string>;

  constructor(kinds: ReadonlySet<string>) {
    this.kinds = kinds;
  }
}

/** A record came that belongs before what was folded: to be begun again. */
export class CameLate {}

interface Place extends TopicPartition {
  next: number;
  /** The greatest timestamp so far. */
  at: number;
}

const TURN_RECORDS = 500;

export class DocumentHistory {
  readonly #parts: HistoryParts;
  readonly #recordKey: Buffer | null;
  readonly #asked: ReadonlySet<string>;
  #documents: TrackedDocuments;
  #ids = new IdTable();
  #places = new Map<string, Place>();
  /** Oldest first. */
  #changes: DocumentChange[] = [];
  #changedFields = 0;
  #forgottenAt = Number.NEGATIVE_INFINITY;
  #total = 0;
  #coveredTo = Number.NEGATIVE_INFINITY;
  #records = 0;

  /** @param asked kinds of documents that have a say, as far as it is known */
  constructor(parts: HistoryParts, asked: ReadonlySet<string> = new Set()) {
    this.#parts = parts;
    this.#asked = asked;
    this.#recordKey = parts.recordKey === null || asked.size > 0 ? null : Buffer.from(parts.recordKey);
    this.#documents = new TrackedDocuments(parts.key, parts.limits.fields);
  }

  /** Every event earlier than this is in it, ms since the epoch. */
  get coveredTo(): number {
    return this.#coveredTo;
  }

  /** States at this time and earlier are not remembered; -Infinity where all are. */
  get forgottenAt(): number {
    return this.#forgottenAt;
  }

  /** Records read so far. */
  get records(): number {
    return this.#records;
  }

  /** Roughly, of what is held. */
  get bytes(): number {
    return this.#ids.bytes + 150 * (this.#documents.fields + this.#changedFields) + 300 * this.#changes.length;
  }

  /** The next offset of a partition. */
  position(place: TopicPartition): number {
    return this.#places.get(placeKey(place))?.next ?? 0;
  }

  /** Passes over what the log has no more. */
  startFrom(earliest: readonly PartitionOffset[]): void {
    for (const { offset, ...at } of earliest) {
      const place = this.#place(at);
      place.next = Math.max(place.next, offset);
    }
  }

  /** Whether a record, had it an effect, might have one here. */
  mayConcern(record: LogRecord): boolean {
    const decoded = decode(this.#parts.codec, record);
    if (decoded === null) return false;
    try {
      return this.#parts.projection.project(decoded.event, record).some((delta) => this.#concerns(delta));
    } catch (error) {
      if (error instanceof NewlyAsked) return true;
      throw error;
    }
  }

  /** Begins with what a snapshot has, in place of the beginning of the log. */
  seed(image: StoreImage, at: number): void {
    for (const { topic, partition, next } of image.partitions())
      if (next !== null) this.#places.set(placeKey({ topic, partition }), { topic, partition, next, at });
    for (const { key, fields, shape } of image.documents())
      if (this.#isMade(key)) this.#documents.seed(key, fields, shape);
    for (const { at: seenAt, ids, ...place } of image.seen())
      for (const id of ids) this.#ids.seen(scopeOf(place), id, seenAt, Number.POSITIVE_INFINITY);
    this.#forgottenAt = at - 1;
    this.#coveredTo = at;
  }

  /**
   * @param ends what is before `until` in every partition
   * @param withoutEffect places (`topic/partition/offset`) of records that are parked, or were given up
   * @throws NewlyAsked, CameLate; KitError HISTORY_TOO_WIDE, REBUILD_FAILED, those of `EventLog.read`; the signal's reason
   */
  async advance(
    ends: readonly PartitionOffset[],
    until: number,
    withoutEffect: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const ranges = ends.map(({ topic, partition, offset: end }) => {
      const { next, at } = this.#place({ topic, partition });
      return { topic, partition, offset: next, end, after: at };
    });
    let sinceTurn = 0;
    for await (const records of mergedRecords(this.#parts.log, ranges, signal)) {
      for (const merged of records) {
        this.#fold(merged, withoutEffect);
        if (++sinceTurn % TURN_RECORDS !== 0) continue;
        await nextTurn();
        signal.throwIfAborted();
      }
    }
    for (const { topic, partition, offset } of ends) this.#place({ topic, partition }).next = offset;
    this.#coveredTo = Math.max(this.#coveredTo, until);
  }

  /** The document before a time that is covered and not forgotten. */
  documentAt(at: number): Document | null {
    const fields = new Map(Object.entries(this.#documents.document() ?? {}));
    for (let index = this.#changes.length - 1; index >= 0 && this.#changes[index]!.at >= at; index--) {
      for (const { field, before } of this.#changes[index]!.fields) {
        if (before === null) fields.delete(field);
        else fields.set(field, before);
      }
    }
    return fields.size === 0 ? null : toDocument(fields);
  }

  /**
   * Changes that came before a time (and, where it is given, before a change of that time), newest first.
   *
   * @returns also how many there are in all, remembered or not
   */
  before(until: number, than: DocumentPlace | null, max: number): { changes: DocumentChange[]; total: number } {
    let end = this.#changes.length;
    while (end > 0 && !isBefore(this.#changes[end - 1]!, until, than)) end--;
    const total = this.#total - (this.#changes.length - end);
    return { changes: this.#changes.slice(Math.max(0, end - max), end).reverse(), total };
  }

  /** When the last change before a time came, and the first one from then on; null where none is known. */
  around(at: number): { readonly previous: number | null; readonly next: number | null } {
    let index = this.#changes.length;
    while (index > 0 && this.#changes[index - 1]!.at >= at) index--;
    return { previous: this.#changes[index - 1]?.at ?? null, next: this.#changes[index]?.at ?? null };
  }

  clone(): DocumentHistory {
    const copy = new DocumentHistory(this.#parts, this.#asked);
    copy.#documents = this.#documents.clone();
    copy.#ids = this.#ids.clone();
    copy.#places = new Map([...this.#places].map(([key, place]) => [key, { ...place }]));
    copy.#changes = [...this.#changes];
    copy.#changedFields = this.#changedFields;
    copy.#forgottenAt = this.#forgottenAt;
    copy.#total = this.#total;
    copy.#coveredTo = this.#coveredTo;
    copy.#records = this.#records;
    return copy;
  }

  #fold({ at, record }: MergedRecord, withoutEffect: ReadonlySet<string>): void {
    if (at < this.#coveredTo) throw new CameLate();
    const { topic, partition, offset } = record;
    const place = this.#place(record);
    place.next = offset + 1;
    place.at = at;
    this.#records++;
    if (this.#recordKey !== null && record.key?.equals(this.#recordKey) !== true) return;
    if (withoutEffect.size > 0 && withoutEffect.has(`${topic}/${partition}/${offset}`)) return;
    const { projection, codec, windowMs, limits } = this.#parts;
    try {
      const decoded = decode(codec, record);
      if (decoded === null) return;
      const { event, id } = decoded;
      const deltas = projection.project(event, record).filter((delta) => this.#concerns(delta));
      if (deltas.length === 0) return;
      if (projection.deduplicate !== false) {
        if (this.#ids.seen(scopeOf(record), id, at, at - windowMs)) return;
        if (this.#ids.size > limits.ids) throw tooMany(this.#parts.key, limits.ids);
      }
      applyEffects([{ offset, eventId: id, deltas }], this.#documents);
      const fields = this.#documents.takeChanges();
      if (fields.length > 0) this.#remember({ topic, partition, offset, at, event: briefly(event), fields });
    } catch (cause) {
      if (cause instanceof NewlyAsked || (cause instanceof KitError && cause.code === 'HISTORY_TOO_WIDE')) throw cause;
      throw failed(projection.name, record, cause);
    }
  }

  /** @throws NewlyAsked */
  #concerns({ key, when, from, each }: Delta): boolean {
    const concerns = this.#isMade(key) || (each !== undefined && this.#parts.key.startsWith(key));
    if (!concerns) return false;
    const unknown = [when?.fieldsOf, from, each].filter((one) => one !== undefined && !this.#asked.has(kindOf(one)));
    if (unknown.length > 0) throw new NewlyAsked(new Set([...this.#asked, ...unknown.map((one) => kindOf(one!))]));
    return true;
  }

  #isMade(key: string): boolean {
    return key === this.#parts.key || (this.#asked.size > 0 && this.#asked.has(kindOf(key)));
  }

  #remember(change: DocumentChange): void {
    const { changes, changedFields } = this.#parts.limits;
    this.#changes.push(change);
    this.#changedFields += change.fields.length;
    this.#total++;
    // by halves, so that it costs little
    if (this.#changes.length < 2 * changes && this.#changedFields < 2 * changedFields) return;
    let out = 0;
    while (this.#changes.length - out > changes || this.#changedFields > changedFields) {
      const { at, fields } = this.#changes[out++]!;
      this.#changedFields -= fields.length;
      this.#forgottenAt = at;
    }
    this.#changes = this.#changes.slice(out);
  }

  #place({ topic, partition }: TopicPartition): Place {
    const key = placeKey({ topic, partition });
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { topic, partition, next: 0, at: 0 };
      this.#places.set(key, place);
    }
    return place;
  }
}

/** Where a change is in the order of all. */
export type DocumentPlace = Pick<DocumentChange, 'at' | 'topic' | 'partition' | 'offset'>;

export function kindOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.slice(0, slash + 1);
}

function isBefore(change: DocumentChange, until: number, than: DocumentPlace | null): boolean {
  if (change.at >= until) return false;
  if (than === null) return true;
  return (change.at - than.at || comparePlaces(change, than) || change.offset - than.offset) < 0;
}

function decode(codec: Pick<EventCodec<SocialEvent>, 'decode'>, record: LogRecord) {
  try {
    const decoded = codec.decode(record);
    return decoded.ok ? decoded : null;
  } catch {
    // unreadable, as consumers have it
    return null;
  }
}

function briefly({ event_id, event_type, user_id, timestamp }: SocialEvent): DocumentChange['event'] {
  return { event_id, event_type, user_id, timestamp };
}

/** Ids are told apart by partition, as stores do. */
function scopeOf({ topic, partition }: TopicPartition): number {
  let scope = partition;
  for (let index = 0; index < topic.length; index++) scope = Math.imul(scope ^ topic.charCodeAt(index), 16_777_619);
  return scope;
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function tooMany(key: string, ids: number): KitError {
  return new KitError(
    'HISTORY_TOO_WIDE',
    `${key}: more than ${ids.toLocaleString('en-US')} events have changed it, too many to follow; its state at a time is still to be had.`,
    { details: { key } },
  );
}

function failed(name: string, place: PartitionOffset, cause: unknown): KitError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const { topic, partition, offset } = place;
  return new KitError('REBUILD_FAILED', `${name} cannot take ${topic}:${partition}:${offset}: ${why}`, {
    cause,
    details: { topic, partition, offset },
  });
}
