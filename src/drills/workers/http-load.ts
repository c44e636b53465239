/** Offers events over HTTP at a steady rate, as many clients do, and writes down what became of each. */
import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { socialEventCodec } from '../../domains/social/codec.ts';
import { generateTraffic, type TrafficItem } from '../../domains/social/traffic.ts';
import { monotonicMs, type PublishOperation } from '../history/history.ts';
import { HistoryRecorder } from '../history/recorder.ts';

export interface HttpLoadOptions {
  readonly name: string;
  /** Of the server. */
  readonly url: string;
  readonly historyFile: string;
  readonly seed: number;
  readonly ratePerSecond: number;
  /** Requests under way at a time; what comes beyond is not offered. */
  readonly maxOutstanding: number;
}

/** One answer to one event. */
export interface HttpAnswer {
  readonly invokedMs: number;
  readonly completedMs: number;
  /** Null where the connection broke or none came in time. */
  readonly status: number | null;
  readonly mediaType: string;
  /** Seconds of `Retry-After`. */
  readonly retryAfterS: number | null;
  /** The problem's, or that of the connection. */
  readonly code: string | null;
  /** The code of what the log fails with, where the problem says so. */
  readonly because: string | null;
}

interface Body {
  readonly code?: string;
  readonly because?: string;
  readonly maybeStored?: boolean;
  readonly partition?: number;
  readonly offset?: number;
}

const TICK_MS = 5;
const EVENTS = 1_000_000;
/** Well beyond what is promised: what takes longer is a finding, not an error of the load. */
const TIMEOUT_MS = 30_000;

export class HttpLoad {
  readonly answers: HttpAnswer[] = [];
  readonly #options: HttpLoadOptions;
  readonly #agent: Agent;
  readonly #history: HistoryRecorder;
  readonly #items: Generator<TrafficItem>;
  /** A client sends the next event of a key when it has the answer to the one before: so there is an order to keep. */
  readonly #busyKeys = new Set<string>();
  #offered = 0;
  #due = 0;
  #tickedMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;

  constructor(options: HttpLoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.maxOutstanding });
    this.#history = new HistoryRecorder(options.historyFile, options.name);
    this.#items = generateTraffic({
      seed: options.seed,
      events: EVENTS,
      now: Date.now(),
      poisonShare: 0,
      flakyShare: 0,
    });
  }

  start(): void {
    this.#tickedMs = monotonicMs();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Offers nothing more; resolves when all has its answer. */
  async finish(): Promise<void> {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    if (this.#busyKeys.size > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    this.#agent.destroy();
    this.#history.close();
  }

  #tick(): void {
    const now = monotonicMs();
    this.#due = Math.min(
      this.#options.ratePerSecond,
      this.#due + ((now - this.#tickedMs) / 1000) * this.#options.ratePerSecond,
    );
    this.#tickedMs = now;
    for (; this.#due >= 1; this.#due--) if (this.#busyKeys.size < this.#options.maxOutstanding) this.#offer();
    this.#history.flush();
  }

  #offer(): void {
    const item = this.#items.next().value as TrafficItem;
    if (item.kind !== 'event') return;
    const event = socialEventCodec.accept(item.input, { now: Date.now(), newId: randomUUID });
    const { topic, key } = socialEventCodec.encode(event);
    const busyKey = `${topic}/${key}`;
    if (this.#busyKeys.has(busyKey)) return;
    this.#busyKeys.add(busyKey);
    const sequence = this.#offered++;
    const invokedMs = monotonicMs();
    post(this.#agent, `${this.#options.url}/api/v1/events`, JSON.stringify(event)).then(({ answer, body }) => {
      const completedMs = monotonicMs();
      this.answers.push({ invokedMs, completedMs, ...answer });
      const { partition = null, offset = null } = body;
      const place = outcomeOf(answer, body) === 'acked' ? { partition, offset } : { partition: null, offset: null };
      this.#history.publish({
        ...{ sequence, eventId: event.event_id, topic, key: String(key ?? ''), invokedMs, completedMs },
        ...{ outcome: outcomeOf(answer, body), ...place, code: answer.code },
      });
      this.#busyKeys.delete(busyKey);
      if (this.#busyKeys.size === 0) this.#idle?.();
    });
  }
}

type Answer = Omit<HttpAnswer, 'invokedMs' | 'completedMs'>;

/** Refused for certain: the request was at fault, nobody was there to take it, or the answer says so. */
function outcomeOf({ status, code }: Answer, { maybeStored }: Body): PublishOperation['outcome'] {
  if (status === 200 || status === 201) return 'acked';
  if (status === null) return code === 'ECONNREFUSED' ? 'failed' : 'unknown';
  return maybeStored === false || (status >= 400 && status < 500) ? 'failed' : 'unknown';
}

/** Never rejects. */
function post(agent: Agent, url: string, json: string): Promise<{ answer: Answer; body: Body }> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
    const sent = request(url, { method: 'POST', agent, headers, timeout: TIMEOUT_MS });
    const broken = (error: NodeJS.ErrnoException) =>
      resolve({
        answer: {
          status: null,
          mediaType: '',
          retryAfterS: null,
          code: error.code ?? error.message,
          because: null,
        },
        body: {},
      });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', broken);
    sent.once('response', (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', broken);
      response.once('end', () => {
        const body = jsonOf(text);
        const { 'content-type': type = '', 'retry-after': retryAfter } = response.headers;
        resolve({
          answer: {
            status: response.statusCode!,
            mediaType: type.split(';')[0]!,
            retryAfterS: retryAfter === undefined ? null : Number(retryAfter),
            code: body.code ?? null,
            because: body.because ?? null,
          },
          body,
        });
      });
    });
    sent.end(json);
  });
}

function jsonOf(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {};
  }
}
