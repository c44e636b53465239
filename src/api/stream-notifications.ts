/** A subscription to what a user is told, as it happens. At most once: the list of notifications has what was missed. */
import type { Notice } from '../domains/social/notification-notice.ts';
import type { NotificationBus } from '../pipelines/notification-bus.ts';
import { notificationsFrame } from './stream-protocol.ts';
import type { Outlet } from './stream-subscription.ts';

/** Frames are this far apart. */
const FRAME_INTERVAL_MS = 20;
/** Of one frame; those beyond are counted as missed. */
const MAX_PENDING = 100;

export class NotificationSubscription {
  /** It reads no topic by itself. */
  readonly topics: readonly string[] = [];
  readonly #id: string;
  readonly #outlet: Outlet;
  #pending: Notice[] = [];
  #missed = 0;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: (() => void) | null = null;
  #started = false;

  constructor(id: string, outlet: Outlet) {
    this.#id = id;
    this.#outlet = outlet;
  }

  /** Resolves once what is published from now on will be told. @throws KitError TOO_MANY_WAITERS, LOG_UNAVAILABLE */
  async open(bus: Pick<NotificationBus, 'subscribe'>, userId: string): Promise<void> {
    this.#unsubscribe = await bus.subscribe(userId, (notice) => this.#take(notice));
  }

  /** Nothing is sent before. */
  start(): void {
    this.#started = true;
  }

  /** Says what was missed, where it could not be said in time. */
  tick(): void {
    if (this.#timer === null) this.#flush();
  }

  behindMs(): number {
    return 0;
  }

  grow(): void {}

  stop(): void {
    this.#unsubscribe?.();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #take(notice: Notice): void {
    if (this.#outlet.congested || this.#pending.length === MAX_PENDING) this.#missed++;
    else this.#pending.push(notice);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, FRAME_INTERVAL_MS);
  }

  #flush(): void {
    if (!this.#started || this.#outlet.congested || this.#pending.length + this.#missed === 0) return;
    this.#outlet.send(notificationsFrame(this.#id, this.#pending, this.#missed), this.#pending.length);
    this.#pending = [];
    this.#missed = 0;
  }
}
