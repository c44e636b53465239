/** What is known of a broker beside Kafka's protocol: from whoever started it. Injected, as the kit starts no brokers. */
export interface BrokerTelemetry {
  /** By node id. Never rejects; what does not answer within `timeoutMs` is null. */
  read(timeoutMs: number): Promise<ReadonlyMap<number, BrokerReading>>;
}

export interface BrokerReading {
  /** `host:port`, as the broker advertises it. */
  readonly address: string;
  readonly process: {
    /** Of this process and no other, before or after it. */
    readonly id: string;
    readonly status: 'running' | 'paused' | 'gone';
    /** Whether a process that is gone was asked to end and did so by itself; null where that is not known. */
    readonly endedInOrder: boolean | null;
  };
  readonly jmx: JmxReading | null;
}

/** The broker's word for itself. `recovering`: it reads its logs after it was not shut down in order. */
export type BrokerPhase = 'starting' | 'recovering' | 'running' | 'stopping';

/** Source: Kafka documentation, "Monitoring". */
export interface JmxReading {
  readonly phase: BrokerPhase | null;
  /** Since its process began. */
  readonly messagesIn: number;
  readonly bytesIn: number;
  /** Null before the first request. */
  readonly produceP99Ms: number | null;
  /** Of consumers' fetches; waiting for new records counts. */
  readonly fetchP99Ms: number | null;
}
