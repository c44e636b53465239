import type { BrokerPhase, JmxReading } from '../kit/monitoring/broker-telemetry.ts';
import { LOOPBACK } from './server-properties.ts';

/** The one that assets/kafka/jolokia-access.xml lets in. */
const ORIGIN = 'http://streamsocial.invalid';
const TOTAL_TIME = 'kafka.network:type=RequestMetrics,name=TotalTimeMs,request=';
const READS = [
  { mbean: 'kafka.server:type=KafkaServer,name=BrokerState', attribute: ['Value'] },
  { mbean: 'kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec', attribute: ['Count'] },
  { mbean: 'kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec', attribute: ['Count'] },
  { mbean: `${TOTAL_TIME}Produce`, attribute: ['Count', '99thPercentile'] },
  { mbean: `${TOTAL_TIME}FetchConsumer`, attribute: ['Count', '99thPercentile'] },
];
const REQUEST = JSON.stringify(READS.map((read) => ({ type: 'read', ...read })));

/** Source: org.apache.kafka.metadata.BrokerState. */
const PHASES: Readonly<Record<number, BrokerPhase>> = {
  0: 'starting',
  1: 'starting',
  2: 'recovering',
  3: 'running',
  6: 'stopping',
  7: 'stopping',
};

type Values = Readonly<Record<string, number>>;

/**
 * A broker's figures in one request to its Jolokia agent. Null where it does not answer within `timeoutMs` or has not all
 * of them yet, as while it starts.
 */
export async function readJmx(port: number, timeoutMs: number): Promise<JmxReading | null> {
  try {
    const response = await fetch(`http://${LOOPBACK}:${port}/jolokia/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: ORIGIN },
      body: REQUEST,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return jmxReading(await response.json());
  } catch {
    return null;
  }
}

/** Jolokia's answer to a bulk request, one member per read in their order. */
export function jmxReading(answer: unknown): JmxReading | null {
  if (!Array.isArray(answer) || answer.length !== READS.length) return null;
  const [state, messages, bytes, produce, fetch] = answer.map(({ status, value }) =>
    status === 200 ? (value as Values) : undefined,
  );
  const phase = state === undefined ? null : (PHASES[state.Value!] ?? null);
  // The counters come into being with the broker's first moments: before them it has counted nothing.
  return {
    phase,
    messagesIn: messages?.Count ?? 0,
    bytesIn: bytes?.Count ?? 0,
    produceP99Ms: p99(produce),
    fetchP99Ms: p99(fetch),
  };
}

function p99(latency: Values | undefined): number | null {
  return latency === undefined || latency.Count === 0 ? null : latency['99thPercentile']!;
}
