/**
 * One subscription: where it is in every partition, how it gets there, and what of it is sent. A partition is either
 * followed at the log's end, through the shared tail, or behind it and read by itself; it changes over at an offset, so that
 * nothing is missed or sent twice.
 */
import { systemClock } from '../kit/clock.ts';
import { isKitError } from '../kit/errors.ts';
import { backoffMs } from '../kit/log/backoff.ts';
import type { TopicPartition } from '../kit/log/event-log.ts';
import { pauseMs } from '../kit/waiting.ts';
import type { Place, StreamFeed } from './stream-feed.ts';
import type { StreamItem } from './stream-item.ts';
import { errorFrame, eventsFrame, stateFrame, type Wanted } from './stream-protocol.ts';

/** Where frames go: the connection. */
export interface Outlet {
  /** Too much waits to be sent. */
  readonly congested: boolean;
  /** Resolves when little waits, or the connection has ended. */
  drained(): Promise<void>;
  send(frame: string, events: number): void;
}

interface Course extends TopicPartition {
  next: number;
  /** The partition's end as of the last read. */
  end: number;
  /** Null while it is behind. */
  unwatch: (() => void) | null;
}

/** Events of one frame as JSON, soft. */
const MAX_FRAME_CHARS = 64 * 1024;
/** Frames of one subscription at the log's end are this far apart; an event after a silence does not wait. */
const FRAME_INTERVAL_MS = 20;
const NOTHING_PAUSE_MS = 50;

export class StreamSubscription {
  readonly id: string;
  readonly topics: readonly string[];
  readonly #matches: Wanted['matches'];
  readonly #feed: StreamFeed;
  readonly #outlet: Outlet;
  readonly #onEnded: () => void;
  readonly #courses: Course[];
  readonly #stopping = new AbortController();
  #pending: StreamItem[] = [];
  #pendingChars = 0;
  #timer: NodeJS.Timeout | null = null;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #sentPosition: string;
  #catchingUp = false;
  #behindSinceMs: number | null = null;

  /** @param onEnded called when the subscription ends by itself, after the error that ended it was sent */
  constructor(
    id: string,
    wanted: Wanted,
    places: readonly Place[],
    { feed, outlet, onEnded }: { feed: StreamFeed; outlet: Outlet; onEnded: () => void },
  ) {
    this.id = id;
    this.topics = wanted.topics;
    this.#matches = wanted.matches;
    this.#feed = feed;
    this.#outlet = outlet;
    this.#onEnded = onEnded;
    this.#courses = places.map(({ offset, ...at }) => ({ ...at, next: offset, unwatch: null }));
    this.#sentPosition = this.position();
  }

  /** Where to go on once all that was sent is processed. */
  position(): string {
    const offsets = Map.groupBy(this.#courses, ({ topic }) => topic);
    return this.#feed.format(new Map([...offsets].map(([topic, courses]) => [topic, courses.map(({ next }) => next)])));
  }

  /** How long it has been behind since it had caught up; 0 where it has not been or had not. */
  behindMs(nowMs: number): number {
    return this.#behindSinceMs === null ? 0 : nowMs - this.#behindSinceMs;
  }

  start(): void {
    if (!this.#catchingUp) void this.#catchUp();
  }

  stop(): void {
    this.#stopping.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const course of this.#courses) course.unwatch?.();
  }

  /** Takes up those of its topics' partitions that are new, from their first records on. */
  grow(partitions: readonly TopicPartition[]): void {
    if (partitions.length <= this.#courses.length) return;
    const known = new Set(this.#courses.map(({ topic, partition }) => `${topic}:${partition}`));
    // its first read says where it ends
    for (const at of partitions)
      if (!known.has(`${at.topic}:${at.partition}`))
        this.#courses.push({ ...at, next: 0, end: Number.POSITIVE_INFINITY, unwatch: null });
    this.start();
  }

  /** Tells how far it has come, where nothing else has since. */
  tick(): void {
    if (this.#pending.length > 0 || this.#outlet.congested) return;
    const position = this.position();
    if (position === this.#sentPosition) return;
    this.#sentPosition = position;
    this.#outlet.send(stateFrame('position', this.id, position), 0);
  }

  async #catchUp(): Promise<void> {
    this.#catchingUp = true;
    const { signal } = this.#stopping;
    for (let failures = 0, found = true; !signal.aborted; ) {
      const behind = this.#courses.filter((course) => course.unwatch === null && !this.#follow(course));
      if (behind.length === 0) break;
      // the tail is further on, and yet there is nothing: what it read has been removed
      if (!found) await pauseMs(NOTHING_PAUSE_MS, systemClock, signal);
      try {
        found = false;
        for (const course of behind) if (await this.#readOn(course)) found = true;
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (!isKitError(error) || !error.retriable) return this.#end(error);
        if (failures === 0) this.#outlet.send(errorFrame(error, this.id, false), 0);
        await pauseMs(backoffMs(failures++, Math.random), systemClock, signal);
      }
    }
    this.#catchingUp = false;
    if (signal.aborted) return;
    this.#behindSinceMs = null;
    this.#flush();
    this.#sentPosition = this.position();
    this.#outlet.send(stateFrame('caught-up', this.id, this.#sentPosition), 0);
  }

  /** Whether there was something. */
  async #readOn(course: Course): Promise<boolean> {
    const { signal } = this.#stopping;
    let read: Awaited<ReturnType<StreamFeed['read']>> = null;
    while (read === null) {
      await this.#outlet.drained();
      signal.throwIfAborted();
      // the connection's other subscriptions may have filled it while this one waited for its turn
      read = await this.#feed.read(course, course.next, signal, () => !this.#outlet.congested);
    }
    const { items, end } = read;
    signal.throwIfAborted();
    for (const item of items) this.#take(course, item);
    this.#flush();
    // an empty read is the end, whatever the high watermark says: what lies between are no records
    course.end = items.length === 0 ? course.next : end;
    return items.length > 0;
  }

  /** Whether the partition is at its end, and followed there from now on. */
  #follow(course: Course): boolean {
    if (course.next < course.end) return false;
    const { topic, partition, next } = course;
    course.unwatch = this.#feed.tail.watch(
      { topic, partition, offset: next },
      {
        onBatch: (items, next) => this.#onBatch(course, items, next),
        onLost: () => this.#fallBehind([course]),
      },
    );
    // the tail has gone on meanwhile
    if (course.unwatch === null) course.end = Number.POSITIVE_INFINITY;
    return course.unwatch !== null;
  }

  #onBatch(course: Course, items: readonly StreamItem[], next: number): void {
    if (this.#outlet.congested) {
      this.#fallBehind(this.#courses);
      return;
    }
    for (const item of items) this.#take(course, item);
    course.next = next;
    if (this.#pending.length === 0 || this.#timer !== null) return;
    const waitMs = Math.max(0, this.#sentAtMs + FRAME_INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => this.#flush(), waitMs);
  }

  #fallBehind(courses: readonly Course[]): void {
    for (const course of courses) {
      course.unwatch?.();
      course.unwatch = null;
      course.end = Number.POSITIVE_INFINITY;
    }
    if (!this.#catchingUp) this.#behindSinceMs ??= performance.now();
    this.start();
  }

  #take(course: Course, item: StreamItem): void {
    course.next = item.offset + 1;
    if (!this.#matches(item)) return;
    this.#pending.push(item);
    this.#pendingChars += item.json.length;
    if (this.#pendingChars >= MAX_FRAME_CHARS) this.#flush();
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const items = this.#pending;
    if (items.length === 0) return;
    this.#pending = [];
    this.#pendingChars = 0;
    this.#sentAtMs = performance.now();
    this.#sentPosition = this.position();
    this.#outlet.send(eventsFrame(this.id, this.#sentPosition, items), items.length);
  }

  #end(error: unknown): void {
    this.#flush();
    this.stop();
    this.#outlet.send(errorFrame(error, this.id, true), 0);
    this.#onEnded();
  }
}
