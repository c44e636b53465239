/** One WebSocket connection: its messages one after the other, its subscriptions, and what waits to be sent to it. */
import type { RawData, WebSocket } from 'ws';
import { KitError } from '../kit/errors.ts';
import type { TopicPartition } from '../kit/log/event-log.ts';
import type { NotificationBus } from '../pipelines/notification-bus.ts';
import type { PulseSource } from '../pipelines/pulse/pulse.ts';
import { parseJsonText } from './json-body.ts';
import type { StreamFeed } from './stream-feed.ts';
import type { StreamLimits } from './stream-limits.ts';
import { NotificationSubscription } from './stream-notifications.ts';
import {
  checkedMessage,
  errorFrame,
  kindOf,
  type Subscribe,
  startOf,
  stateFrame,
  subscriptionOf,
  unsubscribedFrame,
  wantedBy,
} from './stream-protocol.ts';
import { PulseSubscription } from './stream-pulse.ts';
import { type Outlet, StreamSubscription } from './stream-subscription.ts';
import { TailSubscription } from './stream-tail.ts';

/** RFC 6455, 7.4.1; 4000 and up are an application's own. */
export const CLOSE_CODES = { goingAway: 1001, policy: 1008, slowClient: 4008 } as const;

/** A subscription of any kind, as its connection sees it. */
interface Subscription {
  readonly topics: readonly string[];
  behindMs(nowMs: number): number;
  grow(partitions: readonly TopicPartition[]): void;
  /** Now and then, while nothing else is sent. */
  tick(): void;
  start(): void;
  stop(): void;
}

/** What a session needs of the platform. */
export interface StreamSources {
  readonly feed: StreamFeed;
  readonly notifications: Pick<NotificationBus, 'subscribe'>;
  readonly pulse: PulseSource;
}

/** Of all connections of a server, summed up. */
export interface StreamTotals {
  waitingBytes: number;
  events: number;
  frames: number;
  shed: number;
}

export class StreamSession implements Outlet {
  readonly #socket: WebSocket;
  readonly #sources: StreamSources;
  readonly #limits: StreamLimits;
  readonly #totals: StreamTotals;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #drainWaiters = new Set<() => void>();
  #waitingBytes = 0;
  #progressAtMs = 0;
  #waitingMessages = 0;
  #work: Promise<void> = Promise.resolve();
  #ended = false;
  #heardAtMs = performance.now();
  #pingedAtMs = performance.now();
  #positionsAtMs = performance.now();

  constructor(socket: WebSocket, sources: StreamSources, limits: StreamLimits, totals: StreamTotals) {
    this.#socket = socket;
    this.#sources = sources;
    this.#limits = limits;
    this.#totals = totals;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('pong', () => this.#heard());
    // ws closes the connection itself, with the code that says why
    socket.on('error', () => {});
    socket.on('close', () => this.#stop());
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  get congested(): boolean {
    const { maxClientBytes, maxTotalBytes } = this.#limits;
    if (this.#totals.waitingBytes > maxTotalBytes && this.#waitingBytes > 0) return true;
    return this.#waitingBytes > maxClientBytes;
  }

  async drained(): Promise<void> {
    while (!this.#ended && !this.#isDrained()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drainWaiters.add(resolve);
      await promise;
    }
  }

  send(frame: string, events: number): void {
    if (this.#ended) return;
    const bytes = Buffer.from(frame);
    if (this.#waitingBytes === 0) this.#progressAtMs = performance.now();
    this.#wait(bytes.length);
    this.#totals.frames++;
    this.#totals.events += events;
    this.#socket.send(bytes, { binary: false }, () => this.#sent(bytes.length));
  }

  /** Sheds a client that is too slow or gone; pings; tells positions. */
  tick(nowMs: number): void {
    if (this.#ended) return;
    const { stalledAfterMs, behindAfterMs, pingMs, positionMs } = this.#limits;
    const stalled = this.#waitingBytes > 0 && nowMs - this.#progressAtMs > stalledAfterMs;
    const behind = [...this.#subscriptions.values()].some((one) => one.behindMs(nowMs) > behindAfterMs);
    if (stalled || behind) {
      this.#totals.shed++;
      this.close(CLOSE_CODES.slowClient, 'slow client: resume from the last position');
      return;
    }
    if (nowMs - this.#heardAtMs > 2 * pingMs) {
      this.#socket.terminate();
      return;
    }
    if (nowMs - this.#pingedAtMs >= pingMs) {
      this.#pingedAtMs = nowMs;
      this.#socket.ping();
    }
    if (nowMs - this.#positionsAtMs >= positionMs) {
      this.#positionsAtMs = nowMs;
      for (const subscription of this.#subscriptions.values()) subscription.tick();
    }
  }

  close(code: number, reason: string): void {
    this.#stop();
    this.#socket.close(code, reason);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#heard();
    if (this.#ended) return;
    if (++this.#waitingMessages > this.#limits.maxWaitingMessages) {
      this.close(CLOSE_CODES.policy, 'too many messages at once');
      return;
    }
    this.#work = this.#work.then(async () => {
      await this.#answer(data, isBinary);
      this.#waitingMessages--;
    });
  }

  async #answer(data: RawData, isBinary: boolean): Promise<void> {
    // who takes no answers is given no more: what it goes on to say fills its share of waiting messages
    if (this.congested) await this.drained();
    if (this.#ended) return;
    let id: string | null = null;
    try {
      if (isBinary) throw new KitError('INVALID_MESSAGE', 'Messages are JSON in text frames, not binary ones.');
      const json = parseJsonText(data.toString());
      id = subscriptionOf(json);
      const message = checkedMessage(json);
      if (message.type === 'ping') {
        this.send(JSON.stringify({ type: 'pong' }), 0);
        return;
      }
      if (message.type === 'subscribe') await this.#subscribe(message);
      else this.#unsubscribe(message.id);
    } catch (error) {
      this.send(errorFrame(error, id, id !== null && !this.#subscriptions.has(id)), 0);
    }
  }

  async #subscribe(message: Subscribe): Promise<void> {
    const { id } = message;
    const { maxSubscriptions } = this.#limits;
    if (this.#subscriptions.has(id))
      throw new KitError('SUBSCRIPTION_EXISTS', `There is a subscription ${JSON.stringify(id)} here already.`);
    if (this.#subscriptions.size >= maxSubscriptions)
      throw new KitError('TOO_MANY_SUBSCRIPTIONS', `A connection has ${maxSubscriptions} subscriptions at most.`);
    const { subscription, position } = await this.#open(message);
    if (this.#ended) {
      subscription.stop();
      return;
    }
    this.#subscriptions.set(id, subscription);
    this.send(stateFrame('subscribed', id, position), 0);
    subscription.start();
  }

  async #open(message: Subscribe): Promise<{ readonly subscription: Subscription; readonly position?: string }> {
    const { id, notifications_of: user, tail } = message;
    const { feed, pulse } = this.#sources;
    const kind = kindOf(message);
    if (kind === 'notifications_of') return { subscription: await this.#toNotifications(id, user!) };
    if (kind === 'watch') return { subscription: await PulseSubscription.open(id, pulse, this) };
    if (kind === null) return this.#toEvents(message);
    const onEnded = () => this.#subscriptions.delete(id);
    return { subscription: await TailSubscription.open(id, tail!, { feed, outlet: this, onEnded }) };
  }

  async #toEvents(message: Subscribe) {
    const { feed } = this.#sources;
    const { id } = message;
    const wanted = wantedBy(message);
    const places = await feed.places(wanted.topics, startOf(message));
    const onEnded = () => this.#subscriptions.delete(id);
    const subscription = new StreamSubscription(id, wanted, places, { feed, outlet: this, onEnded });
    return { subscription, position: subscription.position() };
  }

  async #toNotifications(id: string, user: string): Promise<Subscription> {
    const subscription = new NotificationSubscription(id, this);
    await subscription.open(this.#sources.notifications, user);
    return subscription;
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined)
      throw new KitError('UNKNOWN_SUBSCRIPTION', `There is no subscription ${JSON.stringify(id)} here.`);
    subscription.stop();
    this.#subscriptions.delete(id);
    this.send(unsubscribedFrame(id), 0);
  }

  #heard(): void {
    this.#heardAtMs = performance.now();
  }

  #isDrained(): boolean {
    const { maxClientBytes, maxTotalBytes } = this.#limits;
    return this.#waitingBytes <= (this.#totals.waitingBytes > maxTotalBytes ? 0 : maxClientBytes / 4);
  }

  #sent(bytes: number): void {
    if (this.#ended) return;
    this.#wait(-bytes);
    this.#progressAtMs = performance.now();
    if (this.#isDrained()) this.#wakeDrained();
  }

  #wait(bytes: number): void {
    this.#waitingBytes += bytes;
    this.#totals.waitingBytes += bytes;
  }

  #wakeDrained(): void {
    for (const wake of this.#drainWaiters) wake();
    this.#drainWaiters.clear();
  }

  #stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    this.#subscriptions.clear();
    this.#wait(-this.#waitingBytes);
    this.#wakeDrained();
  }
}
