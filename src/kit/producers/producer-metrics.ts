import { Histogram } from '../monitoring/histogram.ts';
import { RecentHistogram } from '../monitoring/recent-histogram.ts';

export interface ProducerMetrics {
  /** Records acknowledged by the log. */
  readonly messages_sent: number;
  /** Records that will not be sent: refused, timed out, or given up. Sends = messages_sent + messages_failed + queue_size. */
  readonly messages_failed: number;
  /** Of acknowledged records: bytes of keys, values, header names and header values. */
  readonly bytes_sent: number;
  /** messages_sent / (messages_sent + messages_failed), 0 to 1; 1 while neither has happened. */
  readonly success_rate: number;
  /** Acknowledged records a second over the last 10 seconds, or since the start. */
  readonly throughput_msg_sec: number;
  readonly throughput_bytes_sec: number;
  /** From the call of `send` to the acknowledgement, waiting for room included; since the start. */
  readonly avg_latency_ms: number;
  readonly p50_latency_ms: number;
  readonly p99_latency_ms: number;
  readonly runtime_seconds: number;
  /** Records without an outcome: waiting for room, waiting in a lane, or with the log. */
  readonly queue_size: number;
  /** Lanes (topic-partitions) with a batch on its way to the log at this moment. */
  readonly active_connections: number;
}

const SLOT_MS = 1000;
const SLOTS = 10;

export class ProducerMeter {
  readonly #startedAtMs: number;
  readonly #latency = new Histogram();
  /** The same, of the last ten seconds. */
  readonly recent = new RecentHistogram();
  readonly #slotSeconds = new Float64Array(SLOTS).fill(-1);
  readonly #slotMessages = new Float64Array(SLOTS);
  readonly #slotBytes = new Float64Array(SLOTS);
  #sent = 0;
  #failed = 0;
  #bytes = 0;

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  latency(latencyMs: number, nowMs: number): void {
    this.#latency.record(latencyMs);
    this.recent.record(latencyMs, nowMs);
  }

  sent(nowMs: number, messages: number, bytes: number): void {
    this.#sent += messages;
    this.#bytes += bytes;
    const second = Math.floor((nowMs - this.#startedAtMs) / SLOT_MS);
    const slot = second % SLOTS;
    if (this.#slotSeconds[slot] !== second) {
      this.#slotSeconds[slot] = second;
      this.#slotMessages[slot] = 0;
      this.#slotBytes[slot] = 0;
    }
    this.#slotMessages[slot]! += messages;
    this.#slotBytes[slot]! += bytes;
  }

  failed(messages: number): void {
    this.#failed += messages;
  }

  throughput(nowMs: number): { messages: number; bytes: number } {
    const runtimeMs = nowMs - this.#startedAtMs;
    const second = Math.floor(runtimeMs / SLOT_MS);
    let messages = 0;
    let bytes = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#slotSeconds[slot]! <= second - SLOTS) continue;
      messages += this.#slotMessages[slot]!;
      bytes += this.#slotBytes[slot]!;
    }
    // The present second counts with the part of it that has passed.
    const coveredMs = Math.max(1, Math.min(runtimeMs, (SLOTS - 1) * SLOT_MS + (runtimeMs % SLOT_MS)));
    return { messages: (messages * 1000) / coveredMs, bytes: (bytes * 1000) / coveredMs };
  }

  report(nowMs: number, queueSize: number, activeLanes: number): ProducerMetrics {
    const finished = this.#sent + this.#failed;
    const throughput = this.throughput(nowMs);
    return {
      messages_sent: this.#sent,
      messages_failed: this.#failed,
      bytes_sent: this.#bytes,
      success_rate: finished === 0 ? 1 : this.#sent / finished,
      throughput_msg_sec: throughput.messages,
      throughput_bytes_sec: throughput.bytes,
      avg_latency_ms: this.#latency.meanMs,
      p50_latency_ms: this.#latency.quantileMs(0.5),
      p99_latency_ms: this.#latency.quantileMs(0.99),
      runtime_seconds: (nowMs - this.#startedAtMs) / 1000,
      queue_size: queueSize,
      active_connections: activeLanes,
    };
  }
}
