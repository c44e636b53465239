/**
 * How one document came to be what it is: the log folded by the projection's own function, as far as it concerns this document,
 * event by event. Of the other documents only those are made that have a say in it (`when`, `from`, `each`), and where events mention
 * what they change, only the records are decoded that do.
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
import type { Document } from '../kit/projections/projection-store.ts';
import { type FieldChange, TrackedDocuments } from '../kit/projections/tracked-documents.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { type Asked, NewlyAsked, Relevance } from './document-relevance.ts';
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
  /** What events mention that change a document; null where they need not (see `DocumentKind`). */
  readonly mentionedIdOf: (key: string) => string | null;
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
  /** States of the past that a fold can begin with: after so many events, which becomes more as it goes on; so many, with so many fields. */
  readonly checkpointEvery: number;
  readonly checkpoints: number;
  readonly checkpointFields: number;
}

/** All that came before a time, ms since the epoch. */
interface Checkpoint {
  readonly at: number;
  readonly documents: TrackedDocuments;
  readonly total: number;
}

/** A record came that belongs before what was folded: to be begun again. */
export class CameLate {}

interface Place extends TopicPartition {
  next: number;
  /** The greatest timestamp so far. */
  at: number;
}

/** Looked at the clock after so many records, and let others have their turn after so long. */
const TURN_RECORDS = 20;
const TURN_MS = 8;
/** As long as so many records are still to come that most changes would be forgotten again; a page has fewer. */
const FEW_CHANGES = 500;
const MAX_REPEATED = 10_000;

export class DocumentHistory {
  readonly #parts: HistoryParts;
  #relevance: Relevance;
  #documents: TrackedDocuments;
  #ids: IdTable | null = new IdTable();
  /** Records that counted before, each as `topic/partition/offset`; null where they are too many. */
  #repeated: Set<string> | null = new Set();
  /** Oldest first. */
  #checkpoints: Checkpoint[] = [];
  #checkpointFields = 0;
  /** Records with an effect from one to the next. */
  #spacing: number;
  #sinceCheckpoint = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #places = new Map<string, Place>();
  /** Oldest first. */
  #changes: DocumentChange[] = [];
  #changedFields = 0;
  /** The time of the snapshot that it began with. */
  #beganAt = Number.NEGATIVE_INFINITY;
  #forgottenAt = Number.NEGATIVE_INFINITY;
  #total = 0;
  #coveredTo = Number.NEGATIVE_INFINITY;
  #records = 0;
  /** Records that the fold under way has before it, roughly. */
  #remaining = 0;

  /** @param asked documents that have a say, as far as it is known */
  constructor(parts: HistoryParts, asked?: Asked) {
    this.#parts = parts;
    this.#spacing = parts.limits.checkpointEvery;
    this.#relevance = new Relevance(parts.key, parts.mentionedIdOf, asked);
    this.#documents = new TrackedDocuments(parts.key, parts.limits.fields, this.#relevance.isMade);
  }

  /** Every event earlier than this is in it, ms since the epoch. */
  get coveredTo(): number {
    return this.#coveredTo;
  }

  /** States at this time and earlier are not remembered; -Infinity where all are. */
  get forgottenAt(): number {
    return this.#forgottenAt;
  }

  /** Whether it has left off from another one: see `branch`. */
  get isBranch(): boolean {
    return this.#ids === null;
  }

  /** Records read so far. */
  get records(): number {
    return this.#records;
  }

  /** Roughly, of what is held. */
  get bytes(): number {
    const fields = this.#documents.fields + this.#changedFields + this.#checkpointFields;
    return (this.#ids?.bytes ?? 0) + 150 * fields + 300 * this.#changes.length;
  }

  /** The next offset of a partition. */
  position(place: TopicPartition): number {
    return this.#places.get(placeKey(place))?.next ?? 0;
  }

  /** Passes over what comes before. */
  startFrom(offsets: readonly PartitionOffset[]): void {
    for (const { offset, ...at } of offsets) {
      const place = this.#place(at);
      place.next = Math.max(place.next, offset);
    }
  }

  /** Whether a record, had it an effect, might have one here. */
  mayConcern(record: LogRecord): boolean {
    const decoded = decode(this.#parts.codec, record);
    if (decoded === null) return false;
    const relevance = this.#relevance;
    try {
      const deltas = this.#parts.projection.project(decoded.event, record);
      return deltas.some((delta) => relevance.concerns(delta)) || relevance.isOutgrown;
    } catch (error) {
      if (error instanceof NewlyAsked) return true;
      throw error;
    }
  }

  /** Begins with what a snapshot has, in place of the beginning of the log. */
  seed(image: StoreImage, at: number): void {
    for (const { topic, partition, next } of image.partitions())
      if (next !== null) this.#places.set(placeKey({ topic, partition }), { topic, partition, next, at });
    for (const { key, fields, shape } of image.documents()) {
      this.#relevance.noteFields(key, fields);
      if (this.#relevance.isMade(key)) this.#documents.seed(key, fields, shape);
    }
    for (const { at: seenAt, ids, ...place } of image.seen())
      for (const id of ids) this.#ids!.seen(scopeOf(place), id, seenAt, Number.POSITIVE_INFINITY);
    this.#beganAt = at;
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
    const { wanted } = this.#relevance;
    this.#remaining = ranges.reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0);
    const onSearched = (records: number): void => {
      this.#records += records;
      this.#remaining -= records;
    };
    const filter = wanted === null ? undefined : { wanted, onSearched };
    let [folded, turnAt] = [0, performance.now()];
    for await (const records of mergedRecords(this.#parts.log, ranges, signal, filter)) {
      if (filter === undefined) onSearched(records.length);
      for (const merged of records) {
        this.#fold(merged, withoutEffect);
        if (++folded % TURN_RECORDS !== 0 || performance.now() - turnAt < TURN_MS) continue;
        await nextTurn();
        signal.throwIfAborted();
        turnAt = performance.now();
      }
    }
    this.#relevance.assertComplete();
    this.startFrom(ends);
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
    const copy = new DocumentHistory(this.#parts);
    copy.#relevance = this.#relevance.clone();
    copy.#documents = this.#documents.clone(copy.#relevance.isMade);
    copy.#ids = this.#ids?.clone() ?? null;
    copy.#repeated = this.#repeated;
    copy.#places = new Map([...this.#places].map(([key, place]) => [key, { ...place }]));
    copy.#changes = [...this.#changes];
    copy.#changedFields = this.#changedFields;
    copy.#beganAt = this.#beganAt;
    copy.#forgottenAt = this.#forgottenAt;
    copy.#total = this.#total;
    copy.#coveredTo = this.#coveredTo;
    copy.#records = this.#records;
    return copy;
  }

  /**
   * Not beyond what this one covers, where it has found everything that matters.
   *
   * @returns what a fold can go on from that asks for a time, and for so many changes before it; null: the log's beginning
   */
  branch(at: number, changes: number): DocumentHistory | null {
    const [first] = this.#checkpoints;
    if (first === undefined) return null;
    const before = this.#checkpoints.findLast((one) => one.at < at) ?? first;
    const most = before.total - changes;
    // before the first one nothing had any effect
    const found = this.#checkpoints.findLast((one) => one.at < at && one.total <= most) ?? first;
    const branch = new DocumentHistory(this.#parts);
    branch.#relevance = this.#relevance.known();
    branch.#documents = found.documents.clone(branch.#relevance.isMade);
    branch.#ids = null;
    branch.#repeated = this.#repeated;
    branch.#total = found.total;
    branch.#coveredTo = found.at;
    branch.#forgottenAt = found === first ? this.#beganAt - 1 : found.at - 1;
    return branch;
  }

  #fold({ at, record }: MergedRecord, withoutEffect: ReadonlySet<string>): void {
    if (at < this.#coveredTo) throw new CameLate();
    const { topic, partition, offset } = record;
    const place = this.#place(record);
    place.next = offset + 1;
    place.at = at;
    if (withoutEffect.size > 0 && withoutEffect.has(`${topic}/${partition}/${offset}`)) return;
    const { projection, codec, windowMs } = this.#parts;
    try {
      const decoded = decode(codec, record);
      if (decoded === null) return;
      const { event, id } = decoded;
      const deltas = projection.project(event, record).filter((delta) => this.#relevance.concerns(delta));
      if (deltas.length === 0 || this.#relevance.isOutgrown) return;
      if (projection.deduplicate !== false && this.#isRepeated(record, id, at, at - windowMs)) return;
      this.#checkpoint(at);
      applyEffects([{ offset, eventId: id, deltas }], this.#documents);
      const fields = this.#documents.takeChanges();
      if (fields.length > 0) this.#remember({ topic, partition, offset, at, event: briefly(event), fields });
    } catch (cause) {
      if (cause instanceof NewlyAsked || (cause instanceof KitError && cause.code === 'HISTORY_TOO_WIDE')) throw cause;
      throw failed(projection.name, record, cause);
    }
  }

  #isRepeated(record: LogRecord, id: string, at: number, expiredAt: number): boolean {
    const { topic, partition, offset } = record;
    const place = `${topic}/${partition}/${offset}`;
    if (this.#ids === null) return this.#repeated!.has(place);
    const { limits, key } = this.#parts;
    const isRepeated = this.#ids.seen(scopeOf(record), id, at, expiredAt);
    if (this.#ids.size > limits.ids) throw tooMany(key, limits.ids);
    if (!isRepeated || this.#repeated === null) return isRepeated;
    this.#repeated.add(place);
    if (this.#repeated.size > MAX_REPEATED) {
      this.#repeated = null;
      this.#checkpoints = [];
      this.#checkpointFields = 0;
    }
    return true;
  }

  /** Where it is time for one: before the first record of a new time, so that it holds all that came before. */
  #checkpoint(at: number): void {
    const isFirst = at > this.#lastAt;
    this.#lastAt = at;
    const isDue = ++this.#sinceCheckpoint >= this.#spacing || this.#checkpoints.length === 0;
    if (this.isBranch || this.#repeated === null || !isFirst || !isDue) return;
    this.#sinceCheckpoint = 0;
    const documents = this.#documents.clone();
    this.#checkpoints.push({ at, documents, total: this.#total });
    this.#checkpointFields += documents.fields;
    const { checkpoints, checkpointFields } = this.#parts.limits;
    const areTooMany = () => this.#checkpoints.length > checkpoints || this.#checkpointFields > checkpointFields;
    while (this.#checkpoints.length > 1 && areTooMany()) {
      this.#spacing *= 2;
      this.#checkpoints = this.#checkpoints.filter((_, index) => index % 2 === 0);
      this.#checkpointFields = this.#checkpoints.reduce((sum, one) => sum + one.documents.fields, 0);
    }
  }

  #remember(change: DocumentChange): void {
    const { changes, changedFields } = this.#parts.limits;
    this.#total++;
    this.#changes.push(change);
    this.#changedFields += change.fields.length;
    // by halves, so that it costs little
    const kept = this.#remaining > 4 * changes ? Math.min(FEW_CHANGES, changes) : changes;
    if (this.#changes.length < 2 * kept && this.#changedFields < 2 * changedFields) return;
    let out = 0;
    while (this.#changes.length - out > kept || this.#changedFields > changedFields) {
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
