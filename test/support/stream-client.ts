/** A WebSocket client of the stream that keeps what it is told. */
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/api/stream-protocol.ts';
import type { SocialEvent } from '../../src/domains/social/events.ts';
import type { Notice } from '../../src/domains/social/notification-notice.ts';
import type { Mark, PulsePoint, PulseSample } from '../../src/pipelines/pulse/pulse-report.ts';
import { until } from './until.ts';

export interface Delivered {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly event?: SocialEvent;
  readonly unreadable?: { readonly code: string };
}

export interface TailRecord extends Delivered {
  readonly key: string | null;
  readonly value: string | null;
  readonly cut: boolean;
  readonly value_bytes: number | null;
}

export interface Frame {
  readonly type: string;
  readonly subscription?: string;
  readonly position?: string;
  readonly events?: readonly Delivered[];
  readonly notifications?: readonly Notice[];
  readonly missed?: number;
  readonly sample?: PulseSample;
  readonly history?: readonly PulsePoint[];
  readonly marks?: readonly Mark[];
  readonly records?: readonly TailRecord[];
  readonly seen?: number;
  readonly matched?: number;
  readonly skipped?: number;
  readonly code?: string;
  readonly message?: string;
  readonly retriable?: boolean;
  readonly ended?: boolean;
  readonly details?: Record<string, unknown>;
}

export class StreamClient {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as Frame));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  static async connect(url: string, options: { headers?: Record<string, string>; protocols?: string[] } = {}) {
    const socket = new WebSocket(url, options.protocols ?? [SUBPROTOCOL], { headers: options.headers ?? {} });
    const client = new StreamClient(socket);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return client;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next frame of this type that has not been taken; those before it are passed over. */
  async next(type: string): Promise<Frame> {
    const index = await until(
      () => {
        const found = this.frames.findIndex((frame, at) => at >= this.#taken && frame.type === type);
        return found >= 0 && found + 1;
      },
      {
        everyMs: 2,
        timeoutMs: 10_000,
        what: `a frame ${type} (there are: ${JSON.stringify(this.frames).slice(0, 600)})`,
      },
    );
    this.#taken = index;
    return this.frames[index - 1]!;
  }

  async subscribe(message: object): Promise<Frame> {
    this.say({ type: 'subscribe', ...message });
    return this.next('subscribed');
  }

  delivered(subscription?: string): Delivered[] {
    return this.frames
      .filter((frame) => subscription === undefined || frame.subscription === subscription)
      .flatMap(({ events = [] }) => events);
  }

  async untilDelivered(count: number, subscription?: string): Promise<Delivered[]> {
    await until(() => this.delivered(subscription).length >= count, { everyMs: 2, what: `${count} events` });
    return this.delivered(subscription);
  }

  get position(): string | undefined {
    return this.frames.findLast(({ position }) => position !== undefined)?.position;
  }
}
