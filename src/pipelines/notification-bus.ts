/**
 * Notices as they happen, for those in this process who wait for a user's, such as WebSockets. It follows the end of the
 * log by itself, whichever process owns the partitions, and only while somebody listens. At most once: what is missed
 * (a slow store, a lost log) is in the list of notifications all the same.
 */
import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { Notice } from '../domains/social/notification-notice.ts';
import { subjectTold } from '../domains/social/notifications.ts';
import { steadyClock } from '../kit/clock.ts';
import { type ConsumerLogger, SILENT } from '../kit/consumers/consumer-options.ts';
import { KitError } from '../kit/errors.ts';
import { backoffMs } from '../kit/log/backoff.ts';
import type { EventLog, LogRecord, PartitionOffset } from '../kit/log/event-log.ts';
import { LogTail, type TailListener } from '../kit/log/log-tail.ts';
import { pauseMs } from '../kit/waiting.ts';
import type { NotificationFinder } from './notification-finder.ts';

/** Called in no particular order of time, and not awaited; it must not throw, and has to bound what it keeps. */
export type NoticeListener = (notice: Notice) => void;

export interface BusOptions {
  readonly log: Pick<EventLog, 'read' | 'listOffsets' | 'describe'>;
  readonly topics: readonly string[];
  readonly finder: Pick<NotificationFinder, 'find'>;
  readonly logger?: ConsumerLogger;
}

interface Item extends PartitionOffset {
  readonly event: SocialEvent | null;
}

const MAX_LISTENERS = 10_000;
/** Events that wait for their turn; those beyond are passed over. */
const MAX_WAITING = 10_000;
const MAX_AT_ONCE = 32;
/** Notices that are not told again. */
const MAX_REMEMBERED = 10_000;
const MAX_TRIES = 20;

export class NotificationBus {
  readonly #options: Required<BusOptions>;
  readonly #listeners = new Map<string, Set<NoticeListener>>();
  readonly #tail: LogTail<Item>;
  readonly #told = new Set<string>();
  #count = 0;
  #waiting: Item[] = [];
  #working = 0;
  #missed = 0;
  #following: Promise<void> | null = null;
  /** End the watching of partitions. */
  #ends: (() => void)[] = [];
  readonly #closing = new AbortController();

  constructor(options: BusOptions) {
    this.#options = { logger: SILENT, ...options };
    this.#tail = new LogTail({ log: options.log, map: itemOf });
  }

  /** Events passed over because too many waited, or because they could not be looked at. */
  get missed(): number {
    return this.#missed;
  }

  /**
   * Resolves once what is published from now on will be told; to what ends it.
   *
   * @throws KitError TOO_MANY_WAITERS, LOG_UNAVAILABLE
   */
  async subscribe(userId: string, listener: NoticeListener): Promise<() => void> {
    if (this.#count >= MAX_LISTENERS)
      throw new KitError('TOO_MANY_WAITERS', `${MAX_LISTENERS} wait for notifications already; try again later`, {
        retriable: true,
      });
    const own = this.#listeners.get(userId) ?? new Set();
    this.#listeners.set(userId, own.add(listener));
    this.#count++;
    const unsubscribe = () => {
      if (!own.delete(listener)) return;
      this.#count--;
      if (own.size === 0 && this.#listeners.get(userId) === own) this.#listeners.delete(userId);
      if (this.#count === 0) this.#unfollow();
    };
    this.#following ??= this.#follow();
    const following = this.#following;
    try {
      await following;
      return unsubscribe;
    } catch (error) {
      if (this.#following === following) this.#following = null;
      unsubscribe();
      throw error;
    }
  }

  close(): void {
    this.#closing.abort();
    this.#unfollow();
    this.#tail.close();
    this.#listeners.clear();
  }

  async #follow(): Promise<void> {
    const { log, topics } = this.#options;
    const { topics: described } = await log.describe(topics);
    let open = described.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    let lost = false;
    const listener: TailListener<Item> = {
      onBatch: (items) => this.#take(items),
      onLost: (error) => {
        if (!lost) void this.#followAnew(error);
        lost = true;
      },
    };
    for (let tries = 0; open.length > 0; tries++) {
      if (tries === MAX_TRIES)
        throw new KitError('LOG_UNAVAILABLE', "the log's end moves too fast", { retriable: true });
      const offsets = await log.listOffsets(open.map((at) => ({ ...at, at: 'latest' as const })));
      // where the tail's reader is further on already, the end has moved meanwhile
      open = open.filter((at, index) => {
        const end = this.#tail.watch({ ...at, offset: offsets[index]! }, listener);
        if (end !== null) this.#ends.push(end);
        return end === null;
      });
    }
    if (this.#count === 0) this.#unfollow();
  }

  #unfollow(): void {
    this.#following = null;
    this.#waiting = [];
    for (const end of this.#ends.splice(0)) end();
  }

  async #followAnew(error: unknown): Promise<void> {
    this.#options.logger.error(
      { err: error },
      'notifications are not told as they happen until the log can be followed',
    );
    this.#unfollow();
    for (let failures = 0; this.#count > 0; failures++) {
      await pauseMs(backoffMs(failures, Math.random), steadyClock, this.#closing.signal);
      if (this.#closing.signal.aborted || this.#count === 0) return;
      // another may be at it already; should it fail, this goes on
      this.#following ??= this.#follow();
      const following = this.#following;
      try {
        return await following;
      } catch {
        if (this.#following === following) this.#following = null;
      }
    }
  }

  #take(items: readonly Item[]): void {
    for (const item of items) {
      if (item.event === null) continue;
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item);
      else this.#missed++;
    }
    this.#work();
  }

  #work(): void {
    while (this.#working < MAX_AT_ONCE && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, Math.ceil(this.#waiting.length / MAX_AT_ONCE));
      this.#working++;
      void this.#tellAll(batch).finally(() => {
        this.#working--;
        this.#work();
      });
    }
  }

  async #tellAll(items: readonly Item[]): Promise<void> {
    for (const item of items) {
      if (this.#count === 0) return;
      try {
        for (const notice of await this.#options.finder.find(item.event!, item)) this.#tell(notice);
      } catch (error) {
        this.#missed++;
        this.#options.logger.warn({ err: error }, 'an event could not be looked at for notifications');
      }
    }
  }

  #tell(notice: Notice): void {
    if (this.#told.has(notice.id)) return;
    this.#told.add(notice.id);
    if (this.#told.size > MAX_REMEMBERED) this.#told.delete(this.#told.values().next().value!);
    for (const listener of this.#listeners.get(notice.user_id) ?? []) listener(notice);
  }
}

/** Without an event where it tells nobody anything. */
function itemOf(record: LogRecord): Item {
  const { topic, partition, offset } = record;
  const decoded = socialEventCodec.decode(record);
  const tells = decoded.ok && (subjectTold(decoded.event) !== null || decoded.event.event_type === 'post_created');
  return { topic, partition, offset, event: tells ? decoded.event : null };
}
