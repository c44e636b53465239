/** Looking for records whose place is not known: bounded, a few partitions at a time, and able to say what was looked at. */
import { isKitError } from '../../kit/errors.ts';
import type { EventLog, LogRecord, TopicPartition } from '../../kit/log/event-log.ts';

/** Offsets from `from` to before `to`. */
export interface Span extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

export interface ScanBudget {
  /** Counted down by the scans that share it. */
  records: number;
  /** As `performance.now()` has it. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

export interface Scanned {
  /** What was not looked at, because the budget ended or the search was over. */
  readonly left: readonly Span[];
  readonly records: number;
}

const PARALLEL_READS = 4;
const READ_BYTES = 512 * 1024;
const MIN_STEP = 50;
const MAX_STEP = 2_000;

export function budgetOf(records: number, ms: number, signal: AbortSignal): ScanBudget {
  return { records, endsAt: performance.now() + ms, signal };
}

export function isSpent({ records, endsAt }: ScanBudget): boolean {
  return records <= 0 || performance.now() >= endsAt;
}

/**
 * Step by step through all spans in turns, so that none has to wait for another to end. `forwards` begins at their
 * beginnings, `backwards` at their ends; within a step records come in the log's order.
 *
 * @param visit true: enough is found
 * @throws KitError LOG_UNAVAILABLE and what else `read` throws; the signal's reason
 */
export async function scan(
  log: Pick<EventLog, 'read'>,
  direction: 'forwards' | 'backwards',
  spans: readonly Span[],
  budget: ScanBudget,
  visit: (record: LogRecord) => boolean,
): Promise<Scanned> {
  const step = Math.max(MIN_STEP, Math.min(MAX_STEP, Math.floor(budget.records / Math.max(1, spans.length) / 2)));
  let queue = spans.filter(({ from, to }) => from < to);
  let records = 0;
  let enough = false;
  while (queue.length > 0 && !enough && !isSpent(budget)) {
    budget.signal.throwIfAborted();
    const turn = queue.slice(0, PARALLEL_READS);
    const rests = await Promise.all(
      turn.map(async (span) => {
        const part = direction === 'forwards' ? head(span, step) : tail(span, step);
        const visited = await readAll(log, part, (record) => {
          enough = visit(record) || enough;
        });
        records += visited;
        budget.records -= visited;
        return direction === 'forwards' ? { ...span, from: part.to } : { ...span, to: part.from };
      }),
    );
    queue = [...queue.slice(PARALLEL_READS), ...rests.filter(({ from, to }) => from < to)];
  }
  return { left: queue, records };
}

function head(span: Span, records: number): Span {
  return { ...span, to: Math.min(span.to, span.from + records) };
}

function tail(span: Span, records: number): Span {
  return { ...span, from: Math.max(span.from, span.to - records) };
}

/** @returns how many records were visited; those that retention has removed meanwhile are not */
async function readAll(
  log: Pick<EventLog, 'read'>,
  { topic, partition, from, to }: Span,
  visit: (record: LogRecord) => void,
): Promise<number> {
  let visited = 0;
  for (let offset = from; offset < to; ) {
    const request = { topic, partition, offset, maxBytes: READ_BYTES, maxRecords: to - offset };
    const { records, earliest } = await log.read(request).then(
      (batch) => ({ records: batch.records, earliest: offset }),
      (error: unknown) => {
        if (isKitError(error, 'OFFSET_OUT_OF_RANGE')) return { records: [], earliest: Number(error.details.earliest) };
        throw error;
      },
    );
    if (earliest > offset) {
      offset = earliest;
      continue;
    }
    const last = records.at(-1);
    if (last === undefined) break;
    for (const record of records) {
      if (record.offset >= to) break;
      visited++;
      visit(record);
    }
    offset = last.offset + 1;
  }
  return visited;
}

/** What is between two times, or an end of the log, in every partition of these topics. Topics that are not there have none. */
export async function spansOf(
  log: Pick<EventLog, 'describe' | 'listOffsets'>,
  topics: readonly string[],
  from: 'earliest' | number,
  to: 'latest' | number,
): Promise<Span[]> {
  const described = (await log.describe()).topics.filter(({ name }) => topics.includes(name));
  const places = described.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition })),
  );
  if (places.length === 0) return [];
  const offsets = await log.listOffsets([
    ...places.map((place) => ({ ...place, at: from })),
    ...places.map((place) => ({ ...place, at: to })),
  ]);
  return places.map((place, index) => ({ ...place, from: offsets[index]!, to: offsets[places.length + index]! }));
}
