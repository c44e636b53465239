/** What the cases of the event log contract share. */
import { randomUUID } from 'node:crypto';
import type { EventLog, NewRecord, TopicPartition } from './event-log.ts';

export interface OpenedLog {
  readonly log: EventLog;
  /** Another handle on the same log, as another process would have. Without it `log` plays both parts. */
  readonly second?: () => Promise<EventLog>;
  /** Ends everything that was opened, `second` handles too. */
  close(): Promise<void>;
}

export interface ContractContext {
  readonly log: EventLog;
  second(): Promise<EventLog>;
  /** A log for this case alone; the case closes it. */
  open(): Promise<OpenedLog>;
  /** Creates a topic of a unique name and waits until it is there. */
  topic(partitions?: number, config?: Readonly<Record<string, string>>): Promise<string>;
  unique(prefix: string): string;
  readonly minSessionTimeoutMs: number;
}

export type ContractCase = (context: ContractContext) => Promise<void>;

/** Time for anything that may need a rebalance, ms. */
export const PATIENCE_MS = 15_000;

export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** Repeats until it does not throw; at the bound it throws what it threw. */
export async function eventually<T>(check: () => T | Promise<T>, boundMs = PATIENCE_MS): Promise<T> {
  for (const deadline = Date.now() + boundMs; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

export function record(value: string | null, fields: Partial<NewRecord> = {}): NewRecord {
  return {
    key: null,
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp: 1_700_000_000_000,
    ...fields,
  };
}

export function texts(records: readonly { readonly value: Buffer | null }[]): (string | null)[] {
  return records.map(({ value }) => value?.toString() ?? null);
}

export function append(log: EventLog, at: TopicPartition, ...values: string[]): Promise<{ baseOffset: number }> {
  return log.append({ ...at, records: values.map((value) => record(value)) });
}

/** `from`, `from + 1`, ... as text. */
export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => String(from + index));
}
