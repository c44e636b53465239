/** The one WebSocket of the page (docs/stream.md): the pulse of the platform, and tails of topics. Reconnects by itself. */
import { computed, effect, signal } from '@preact/signals';
import type { Mark, Point, Sample } from '../api/pulse-sample.ts';
import { token } from './http.ts';
import type { TailFrame, TailListener, TailOptions } from './tail.ts';
import { visible } from './visible.ts';

/** `lost`: it was there, or never came; another attempt is under way. */
export const connection = signal<'connecting' | 'open' | 'lost'>('connecting');
/** Changes when it comes to that and back, not at the first connection. */
export const isLost = computed(() => connection.value === 'lost');
/** How the platform is; null before the first. At most half a second old while `connection` is open. */
export const sample = signal<Sample | null>(null);
/** Oldest first, ten minutes at most. */
export const history = signal<readonly Point[]>([]);
/** What happened meanwhile, oldest first. */
export const marks = signal<readonly Mark[]>([]);

const HISTORY_MS = 10 * 60_000;
const MAX_POINTS = 1_500;
const MAX_MARKS = 500;
const FIRST_RETRY_MS = 300;
const MAX_RETRY_MS = 5_000;
const PING_MS = 10_000;
/** Without a word for so long the connection is dead, whatever TCP believes. */
const SILENT_MS = 12_000;
const PULSE = 'pulse';

interface Message {
  readonly type: string;
  readonly subscription?: string;
  readonly sample?: Sample;
  readonly history?: readonly Point[];
  readonly marks?: readonly Mark[];
  readonly code?: string;
  readonly message?: string;
  readonly ended?: boolean;
}

const tails = new Map<string, { readonly options: TailOptions; readonly listener: TailListener }>();
let nextTail = 1;
let socket: WebSocket | null = null;
let retryMs = FIRST_RETRY_MS;
let heardAtMs = 0;

/** Until the returned function is called, over reconnections. */
export function tail(options: TailOptions, listener: TailListener): () => void {
  const id = `tail-${nextTail++}`;
  tails.set(id, { options, listener });
  say({ type: 'subscribe', id, tail: options });
  return () => {
    tails.delete(id);
    say({ type: 'unsubscribe', id });
  };
}

/** Called once. */
export function goLive(): void {
  // another token is another connection
  effect(() => {
    token.value;
    socket?.close();
    if (socket === null) connect();
  });
  // a page that nobody sees is told nothing
  effect(() =>
    say({ type: visible.value ? 'subscribe' : 'unsubscribe', id: PULSE, ...(visible.value ? { watch: PULSE } : {}) }),
  );
  setInterval(() => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - heardAtMs > SILENT_MS) return socket.close();
    if (performance.now() - heardAtMs > PING_MS / 2) say({ type: 'ping' });
  }, PING_MS / 4);
}

function connect(): void {
  const own = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/stream`, subprotocols());
  socket = own;
  own.onopen = () => {
    heardAtMs = performance.now();
    retryMs = FIRST_RETRY_MS;
    connection.value = 'open';
    if (visible.peek()) say({ type: 'subscribe', id: PULSE, watch: PULSE });
    for (const [id, { options }] of tails) say({ type: 'subscribe', id, tail: options });
  };
  own.onmessage = ({ data }) => {
    heardAtMs = performance.now();
    hear(JSON.parse(data));
  };
  own.onclose = () => {
    if (socket !== own) return;
    socket = null;
    connection.value = 'lost';
    setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
    retryMs = Math.min(retryMs * 1.6, MAX_RETRY_MS);
  };
}

function subprotocols(): string[] {
  const own = token.peek();
  if (own === '') return ['streamsocial.v1'];
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(own)));
  const bearer = encoded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return ['streamsocial.v1', `bearer.${bearer}`];
}

function say(message: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function hear(message: Message): void {
  if (message.type === 'pulse') hearPulse(message);
  const found = tails.get(message.subscription ?? '');
  if (found === undefined) return;
  if (message.type === 'tail') found.listener.onFrame(message as unknown as TailFrame);
  if (message.type === 'error' && message.ended === true) {
    tails.delete(message.subscription!);
    found.listener.onEnd(message.code ?? 'INTERNAL_ERROR', message.message ?? 'The tail has ended.');
  }
}

function hearPulse({ sample: next, history: whole, marks: news = [] }: Message): void {
  if (whole !== undefined) {
    history.value = whole;
    marks.value = news;
  } else if (news.length > 0) {
    marks.value = [...marks.value, ...news].slice(-MAX_MARKS);
  }
  if (next === undefined) return;
  const since = Date.parse(next.at) - HISTORY_MS;
  const points = history.value;
  const first = points.findIndex(({ at }) => Date.parse(at) >= since);
  history.value = [...(first < 0 ? [] : points.slice(first)), next].slice(-MAX_POINTS);
  sample.value = next;
}
