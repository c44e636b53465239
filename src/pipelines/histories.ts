/**
 * The histories of documents that were asked for last. One is folded once, up to a moment ago, and answers for every time
 * that it remembers; what came in the last seconds is folded for each question, because records may still come late.
 */
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import { RecordReader } from '../kit/consumers/record-reader.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset } from '../kit/log/event-log.ts';
import { withImage } from '../kit/projections/embedded/sqlite-image.ts';
import type { DeduplicationWindow } from '../kit/projections/projection-store.ts';
import type { Snapshot } from '../kit/projections/snapshot-directory.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { abortable } from './abortable.ts';
import { CameLate, DocumentHistory, type DocumentPlace, type HistoryLimits } from './document-history.ts';
import { type Asked, kindOf, NewlyAsked } from './document-relevance.ts';
import type { FoldTurns } from './fold-turns.ts';
import type { HistoricChanges, HistoricDocument, HistoryOrigin, HistoryProgress } from './history-answers.ts';
import type { Projection, ProjectionName } from './projection.ts';
import { GivenUp, placeOfText } from './rebuild-set-aside.ts';
import { parkedNow, type StateAt } from './state-at.ts';

export interface HistoriesOptions {
  readonly log: EventLog;
  readonly projections: readonly Projection[];
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly window: DeduplicationWindow;
  /** What events mention that change a document; null where they need not. */
  readonly mentionedIdOf: (name: ProjectionName, key: string) => string | null;
  /** Its snapshots stand in for what the log has forgotten. */
  readonly past: Pick<StateAt, 'snapshots' | 'withSnapshot'>;
  readonly madeBy: string;
  readonly turns: FoldTurns;
  readonly logger: ConsumerLogger;
  readonly limits?: Partial<HistoriesLimits>;
  readonly nowMs?: () => number;
}

export interface HistoriesLimits extends HistoryLimits {
  readonly timeoutMs: number;
  /** Of all that are kept, roughly. */
  readonly bytes: number;
  readonly kept: number;
  /** So long after its timestamp a record may come to the log and find its place. */
  readonly settledMs: number;
  /** How long a fold goes on that nobody waits for. */
  readonly graceMs: number;
}

const LIMITS: HistoriesLimits = {
  changes: 5_000,
  changedFields: 100_000,
  fields: 300_000,
  ids: 2_000_000,
  checkpointEvery: 1_000,
  checkpoints: 200,
  checkpointFields: 60_000,
  timeoutMs: 100_000,
  bytes: 64 * 1024 * 1024,
  kept: 16,
  settledMs: 10_000,
  graceMs: 1_000,
};

interface Kept {
  readonly history: DocumentHistory;
  readonly withoutEffect: ReadonlySet<string>;
  readonly missing: number;
  readonly snapshot: Snapshot | null;
  /** As `Entry.asked` was. */
  readonly asked: Asked | undefined;
}

/** One document, up to a moment ago or up to a time of the past. */
interface Entry {
  readonly projection: Projection;
  readonly key: string;
  kept: Kept | null;
  /** Other documents that have a say, as far as it is known. */
  asked: Asked | undefined;
  /** Under way, shared by all who wait for it. */
  folding: Promise<void> | null;
  progress: (() => HistoryProgress) | null;
  askers: number;
  abort: AbortController;
  grace: NodeJS.Timeout | undefined;
}

/** Times, ms since the epoch: what it has to cover and to remember, and how far it is folded where it does not. */
interface Wanted {
  readonly covers: number;
  readonly remembers?: number;
  readonly until: number;
  readonly hasEnough?: ((history: DocumentHistory) => boolean) | undefined;
  /** What a fold can begin with, in place of the log's beginning. */
  readonly branch?: () => Promise<Kept | null>;
}

/** Changes that an answer is made of. */
interface Page {
  readonly than: DocumentPlace | null;
  readonly max: number;
}

/** One for each kind of document that turns out to have a say, and some for records that came late. */
const MAX_BEGINNINGS = 20;
const MAX_WAITS = 4;
/** Of records that have had no effect before, or have one now: so many are looked at before the history is made anew. */
const MAX_LOOKED_AT = 200;

export class Histories {
  readonly #options: HistoriesOptions;
  readonly #limits: HistoriesLimits;
  readonly #nowMs: () => number;
  /** The one asked for last is the last. */
  readonly #entries = new Map<string, Entry>();
  /** Kinds of documents that have a say in those of a kind. */
  readonly #kinds = new Map<string, Asked>();
  readonly #givenUp = new Map<ProjectionName, GivenUp>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: HistoriesOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /**
   * A document before `at`, ms since the epoch.
   *
   * @throws KitError TOO_MANY_FOLDS, FOLD_TOO_LONG (both retriable), HISTORY_TOO_WIDE, REBUILD_FAILED, LOG_UNAVAILABLE, STORE_UNAVAILABLE; the signal's reason
   */
  documentAt(name: ProjectionName, key: string, at: number, signal: AbortSignal): Promise<HistoricDocument> {
    return this.#ask({ name, key, at }, null, signal, (history, origin) => ({
      ...origin,
      document: history.documentAt(at),
      ...history.around(at),
      forgotten: at <= history.forgottenAt,
    }));
  }

  /** What changed a document before `until`, or before a change that was listed. @throws as `documentAt` */
  changes(
    name: ProjectionName,
    key: string,
    { until, than = null, max }: { readonly until: number; readonly than?: DocumentPlace | null; readonly max: number },
    signal: AbortSignal,
  ): Promise<HistoricChanges> {
    const at = than === null ? until : Math.min(until, than.at + 1);
    return this.#ask({ name, key, at }, { than, max }, signal, (history, origin) => ({
      ...origin,
      ...history.before(at, than, max),
    }));
  }

  /** Of the fold under way; null where there is none. */
  progress(name: ProjectionName, key: string): HistoryProgress | null {
    for (const which of ['now', 'past'] as const) {
      const { folding = null, progress = null } = this.#entries.get(entryId(name, which, key)) ?? {};
      if (folding !== null && progress !== null) return progress();
    }
    return null;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort(new KitError('SHUTTING_DOWN', 'the server is shutting down', { retriable: true }));
    for (const { grace } of this.#entries.values()) clearTimeout(grace);
    await Promise.allSettled(this.#running);
    this.#entries.clear();
  }

  async #ask<T>(
    { name, key, at }: { readonly name: ProjectionName; readonly key: string; readonly at: number },
    page: Page | null,
    signal: AbortSignal,
    answer: (history: DocumentHistory, origin: HistoryOrigin) => T,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(this.#limits.timeoutMs);
    const either = AbortSignal.any([signal, timeout, this.#closing.signal]);
    const projection = this.#options.projections.find((one) => one.name === name)!;
    try {
      const { kept, folded } = await this.#historyFor(projection, key, at, page, either);
      const { history, missing, snapshot } = kept;
      const fromSnapshot = snapshot === null ? null : new Date(snapshot.at).toISOString();
      return answer(history, { folded, missing, fromSnapshot, searched: history.records });
    } catch (error) {
      if (!timeout.aborted || signal.aborted) throw error;
      const seconds = Math.round(this.#limits.timeoutMs / 1_000);
      throw new KitError('FOLD_TOO_LONG', `the log could not be folded up to that time within ${seconds} s`, {
        cause: error,
        retriable: true,
      });
    }
  }

  /** One that remembers the time before `at`, and as many changes as are asked for. */
  async #historyFor(
    projection: Projection,
    key: string,
    at: number,
    page: Page | null,
    signal: AbortSignal,
  ): Promise<{ kept: Kept; folded: number }> {
    // up to now even where an earlier time is asked for: the next question may be for any time
    const settled = this.#nowMs() - this.#limits.settledMs;
    const now = this.#entry(projection, key, 'now');
    const covers = Math.min(at, settled - this.#limits.settledMs);
    const main = await this.#covering(now, { covers, until: settled }, signal);
    const hasEnough = (history: DocumentHistory): boolean => page === null || this.#hasPage(history, at, page);
    const isForgotten = at <= main.kept.history.forgottenAt && !beginsLater(main.kept, at);
    if (isForgotten || (at <= main.kept.history.coveredTo && !hasEnough(main.kept.history))) {
      const past = this.#entry(projection, key, 'past');
      past.asked = now.asked;
      const branch = () => this.#branch(projection, { ...main.kept, asked: now.asked }, at, page?.max ?? 0);
      const older = await this.#covering(past, { covers: at, remembers: at, until: at, hasEnough, branch }, signal);
      return { kept: older.kept, folded: main.folded + older.folded };
    }
    if (at <= main.kept.history.coveredTo) return main;
    try {
      return await this.#withTail(projection, main, at, signal);
    } catch (error) {
      if (!(error instanceof NewlyAsked || error instanceof CameLate)) throw error;
      this.#learn(now, error);
      now.kept = null;
      return this.#historyFor(projection, key, at, page, signal);
    }
  }

  #hasPage(history: DocumentHistory, at: number, { than, max }: Page): boolean {
    const { changes, total } = history.before(at, than, max);
    return changes.length >= Math.min(max, total, this.#limits.changes);
  }

  /** From the last checkpoint of a history that is before a time, and before so many changes. */
  async #branch(projection: Projection, kept: Kept, at: number, changes: number): Promise<Kept | null> {
    const history = kept.history.branch(at, changes);
    if (history === null) return null;
    history.startFrom(await this.#ends(projection, history.coveredTo));
    return { ...kept, history };
  }

  /** With the records of the last seconds up to now, folded for this question alone. */
  async #withTail(
    projection: Projection,
    { kept, folded }: { kept: Kept; folded: number },
    at: number,
    signal: AbortSignal,
  ): Promise<{ kept: Kept; folded: number }> {
    const until = Math.max(at, this.#nowMs());
    const ends = await this.#ends(projection, until);
    if (ends.every((end) => end.offset <= kept.history.position(end))) return { kept, folded };
    const history = kept.history.clone();
    await this.#options.turns.run(() => history.advance(ends, until, kept.withoutEffect, signal), signal);
    return { kept: { ...kept, history }, folded: folded + history.records - kept.history.records };
  }

  /** Folds on, where it has to; who leaves before it is done leaves it to the others. */
  async #covering(entry: Entry, wanted: Wanted, signal: AbortSignal): Promise<{ kept: Kept; folded: number }> {
    entry.askers++;
    clearTimeout(entry.grace);
    const before = entry.kept?.history.records ?? 0;
    try {
      for (let attempt = 1; ; attempt++) {
        signal.throwIfAborted();
        entry.folding ??= this.#begin(entry, wanted);
        await abortable(entry.folding, signal);
        const { kept } = entry;
        // of changes of one and the same millisecond there may be more than are remembered
        const least = attempt === 1 ? wanted : { ...wanted, hasEnough: undefined };
        if (kept !== null && answers(kept, least)) return { kept, folded: Math.max(0, kept.history.records - before) };
        if (attempt === MAX_WAITS)
          throw new KitError('TOO_MANY_FOLDS', 'others ask for other times of it; ask again later', {
            retriable: true,
          });
      }
    } finally {
      entry.askers--;
      if (entry.askers === 0) this.#leaveSoon(entry);
    }
  }

  #leaveSoon(entry: Entry): void {
    if (entry.folding === null) return;
    entry.grace = setTimeout(() => {
      if (entry.askers === 0) entry.abort.abort(new DOMException('nobody waits for it any more', 'AbortError'));
    }, this.#limits.graceMs);
    entry.grace.unref();
  }

  #begin(entry: Entry, wanted: Wanted): Promise<void> {
    entry.abort = new AbortController();
    const signal = AbortSignal.any([entry.abort.signal, this.#closing.signal]);
    const done = this.#bring(entry, wanted, signal).finally(() => {
      entry.folding = null;
      this.#running.delete(done);
      this.#thin(entry);
    });
    this.#running.add(done);
    done.catch(() => {});
    return done;
  }

  async #bring(entry: Entry, wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { projection } = entry;
    const withoutEffect = await this.#withoutEffect(projection);
    if (entry.kept !== null && !(await this.#stillHolds(entry.kept, withoutEffect, projection))) entry.kept = null;
    if (entry.kept !== null && answers(entry.kept, wanted)) {
      entry.kept = { ...entry.kept, withoutEffect };
      return;
    }
    const { until } = wanted;
    for (let attempt = 1; ; attempt++) {
      const behind = entry.kept !== null && entry.kept.history.coveredTo <= until ? entry.kept : null;
      // what is half folded is no use to anybody
      entry.kept = null;
      try {
        const branch = attempt === 1 ? ((await wanted.branch?.()) ?? null) : null;
        const kept = latest(behind, branch, wanted) ?? (await this.#start(entry, until));
        const ends = await this.#ends(projection, until);
        const { history } = kept;
        const before = history.records;
        const total = ends.reduce((sum, end) => sum + Math.max(0, end.offset - history.position(end)), 0);
        entry.progress = () => ({ folded: history.records - before, total });
        await this.#options.turns.run(() => history.advance(ends, until, withoutEffect, signal), signal);
        entry.kept = { ...kept, withoutEffect };
        return;
      } catch (error) {
        if (attempt === MAX_BEGINNINGS || !(error instanceof NewlyAsked || error instanceof CameLate)) throw error;
        this.#learn(entry, error);
      }
    }
  }

  #learn(entry: Entry, error: NewlyAsked | CameLate): void {
    if (error instanceof CameLate) return;
    entry.asked = error.asked;
    if ('kinds' in error.asked) this.#kinds.set(kindKey(entry), error.asked);
  }

  /** Nothing folded yet; where the log has forgotten its beginning, with the oldest snapshot that goes back as far as the log. */
  async #start(entry: Entry, until: number): Promise<Kept> {
    const { log, codec, window, past, madeBy } = this.#options;
    const { projection, key } = entry;
    const mentionedIdOf = (one: string) => this.#options.mentionedIdOf(projection.name, one);
    const parts = { log, codec, projection, key, mentionedIdOf, windowMs: window.windowMs, limits: this.#limits };
    const asked = entry.asked ?? (mentionedIdOf(key) === null ? this.#kinds.get(kindKey(entry)) : undefined);
    const history = new DocumentHistory(parts, asked);
    const ends = await this.#ends(projection, until);
    const earliest = await log.listOffsets(ends.map((end) => ({ ...end, at: 'earliest' as const })));
    const starts = ends.map((end, index) => ({ ...end, offset: earliest[index]! }));
    const gone = (from: ReadonlyMap<string, number>) =>
      starts.reduce((sum, { offset }, index) => {
        const end = ends[index]!;
        return sum + Math.max(0, Math.min(offset, end.offset) - (from.get(placeKey(end)) ?? 0));
      }, 0);
    const missing = gone(new Map());
    const snapshot = missing === 0 ? null : await this.#snapshotBefore(projection.name, until, gone, madeBy);
    if (snapshot !== null)
      await past.withSnapshot(projection.name, snapshot, (path) =>
        withImage(path, async (image) => history.seed(image, snapshot.at)),
      );
    history.startFrom(starts);
    return { history, withoutEffect: new Set(), missing: snapshot === null ? missing : 0, snapshot, asked };
  }

  async #snapshotBefore(
    name: ProjectionName,
    until: number,
    gone: (from: ReadonlyMap<string, number>) => number,
    madeBy: string,
  ): Promise<Snapshot | null> {
    const snapshots = await this.#options.past.snapshots(name).list();
    const fits = (snapshot: Snapshot) =>
      snapshot.at <= until &&
      snapshot.madeBy === madeBy &&
      gone(new Map(snapshot.positions.map((one) => [placeKey(one), one.offset]))) === 0;
    return snapshots.find(fits) ?? null;
  }

  /** Where the records begin that were appended at `at` or later. */
  async #ends({ topics }: Projection, at: number): Promise<PartitionOffset[]> {
    const { log } = this.#options;
    const described = (await log.describe(topics)).topics;
    const places = described.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    const offsets = await log.listOffsets(places.map((place) => ({ ...place, at: Math.max(0, Math.floor(at)) })));
    return places.map((place, index) => ({ ...place, offset: offsets[index]! }));
  }

  /** Records that are parked now or were given up at any time, each as `topic/partition/offset`. */
  async #withoutEffect(projection: Projection): Promise<ReadonlySet<string>> {
    const parked = await parkedNow(projection);
    let givenUp = this.#givenUp.get(projection.name);
    if (givenUp === undefined) {
      givenUp = new GivenUp(this.#options.log, projection);
      this.#givenUp.set(projection.name, givenUp);
    }
    await givenUp.refresh();
    const places = new Set(givenUp.places());
    for (const [place, records] of parked) for (const offset of records.keys()) places.add(`${place}/${offset}`);
    return places;
  }

  /**
   * Whether nothing came late, and the records that have an effect now and had none, or the other way round, do not concern the
   * document.
   */
  async #stillHolds(kept: Kept, now: ReadonlySet<string>, projection: Projection): Promise<boolean> {
    const { history, withoutEffect: before } = kept;
    const ends = await this.#ends(projection, history.coveredTo);
    if (ends.some((end) => end.offset > history.position(end))) return false;
    const changed = [...before.symmetricDifference(now)].map(placeOfText);
    const folded = changed.filter((place) => place.offset < history.position(place));
    if (folded.length > MAX_LOOKED_AT) return false;
    for (const place of folded) {
      const record = await new RecordReader(this.#options.log, place).read(place.offset);
      if (record !== null && history.mayConcern(record)) return false;
    }
    return true;
  }

  #entry(projection: Projection, key: string, which: 'now' | 'past'): Entry {
    const id = entryId(projection.name, which, key);
    const entry = this.#entries.get(id) ?? {
      projection,
      key,
      kept: null,
      asked: undefined,
      folding: null,
      progress: null,
      askers: 0,
      abort: new AbortController(),
      grace: undefined,
    };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry;
  }

  /** Those that were not asked for in a long time go first; nobody's answer is taken away. */
  #thin(newest: Entry): void {
    let bytes = 0;
    for (const { kept } of this.#entries.values()) bytes += kept?.history.bytes ?? 0;
    for (const [id, entry] of this.#entries) {
      if (bytes <= this.#limits.bytes && this.#entries.size <= this.#limits.kept) return;
      if (entry.askers > 0 || entry.folding !== null || entry === newest) continue;
      bytes -= entry.kept?.history.bytes ?? 0;
      this.#entries.delete(id);
    }
  }
}

function entryId(name: ProjectionName, which: 'now' | 'past', key: string): string {
  return `${name} ${which} ${key}`;
}

function answers(kept: Kept, { covers, remembers, hasEnough }: Wanted): boolean {
  const { history } = kept;
  if (history.coveredTo < covers || hasEnough?.(history) === false) return false;
  return remembers === undefined || history.forgottenAt < remembers || beginsLater(kept, remembers);
}

/** What is nearest to the time that is asked for; null where the log's beginning is. A branch knows what its origin knew. */
function latest(behind: Kept | null, branch: Kept | null, { hasEnough }: Wanted): Kept | null {
  if (behind === null) return branch;
  if (behind.history.isBranch && behind.asked !== branch?.asked) return branch;
  if (branch === null) return behind;
  const isNearer = branch.history.coveredTo > behind.history.coveredTo;
  return isNearer || hasEnough !== undefined ? branch : behind;
}

/** Neither log nor snapshots go back so far. */
function beginsLater({ snapshot }: Kept, at: number): boolean {
  return snapshot !== null && at < snapshot.at;
}

function kindKey({ projection: { name }, key }: Pick<Entry, 'projection' | 'key'>): string {
  return `${name} ${kindOf(key)}`;
}

function placeKey({ topic, partition }: Pick<PartitionOffset, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}
