/** The bounds of `WS /api/v1/stream`. All of them together keep what waits for clients below some 100 MiB, whoever connects. */
export interface StreamLimits {
  readonly maxConnections: number;
  /** Of one connection. */
  readonly maxSubscriptions: number;
  /** Messages of one client that wait for their answer. */
  readonly maxWaitingMessages: number;
  /** Reads under way for subscriptions that are behind the log's end, of all clients together. */
  readonly maxCatchUpReads: number;
  /** What waits to be sent to one client; beyond it, it is read for no more until it has taken most of it. */
  readonly maxClientBytes: number;
  /** The same of all clients together. */
  readonly maxTotalBytes: number;
  /** A client that takes nothing for so long while something waits for it is shed. */
  readonly stalledAfterMs: number;
  /** So is one that had caught up and is behind for so long. */
  readonly behindAfterMs: number;
  /** A ping goes out this often; a client that has answered none of two is gone. */
  readonly pingMs: number;
  /** How often a client is told its position while nothing matches. */
  readonly positionMs: number;
  /** How often limits of time are looked at. */
  readonly tickMs: number;
  /** How often new partitions are looked for. */
  readonly describeMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  maxConnections: 256,
  maxSubscriptions: 16,
  maxWaitingMessages: 64,
  maxCatchUpReads: 8,
  maxClientBytes: 256 * 1024,
  maxTotalBytes: 32 * 1024 * 1024,
  stalledAfterMs: 15_000,
  behindAfterMs: 60_000,
  pingMs: 20_000,
  positionMs: 5_000,
  tickMs: 1_000,
  describeMs: 10_000,
};
