/** Every bound of the broker's network side. */
export interface BrokerLimits {
  /** Beyond, a new connection is closed at once. */
  readonly maxConnections: number;
  /** A larger request ends its connection; Kafka's `socket.request.max.bytes`. */
  readonly maxRequestBytes: number;
  /** Of requests that are being received or answered, all connections together; beyond, reading pauses. */
  readonly maxReceivedBytes: number;
  /** Of responses that clients have not taken yet, all connections together; beyond, fetches bring little. */
  readonly maxUnsentBytes: number;
  /** Of one fetch, whatever it asks for; a batch that is larger comes alone. */
  readonly maxFetchBytes: number;
  /** Of one connection; beyond, reading pauses. */
  readonly maxInFlightRequests: number;
  /** A request that has begun is whole by then, and a response is taken by then, or the connection ends. */
  readonly stallTimeoutMs: number;
  /** A connection without requests ends after this; Kafka's `connections.max.idle.ms`. */
  readonly idleTimeoutMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: BrokerLimits = {
  maxConnections: 1_000,
  maxRequestBytes: 100 * MIB,
  maxReceivedBytes: 256 * MIB,
  maxUnsentBytes: 128 * MIB,
  maxFetchBytes: 16 * MIB,
  maxInFlightRequests: 32,
  stallTimeoutMs: 30_000,
  idleTimeoutMs: 600_000,
};
