/** Records as the tools of several makes print them, in one shape that can be compared. */
import type { EventLog, LogRecord, TopicPartition } from '../../src/kit/log/event-log.ts';

export interface PlainRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  /** `name=value,name=value` */
  readonly headers: string;
}

const TAB = '\t';
const NULL = 'NULL';

/** For `kafka-console-consumer`; read with `fromJava`. */
export const JAVA_FORMAT = ['partition', 'offset', 'headers', 'key']
  .flatMap((field) => ['--property', `print.${field}=true`])
  .concat('--property', `null.literal=${NULL}`);

export function fromJava(line: string): PlainRecord {
  const [partition, offset, headers, key, value] = line.split(TAB) as [string, string, string, string, string];
  return {
    partition: Number(partition.slice('Partition:'.length)),
    offset: Number(offset.slice('Offset:'.length)),
    headers: headers === 'NO_HEADERS' ? '' : headers.replaceAll(':', '='),
    key: textOrNull(key),
    value: textOrNull(value),
  };
}

/** For kcat; read with `fromKcat`. kcat prints nothing for null, so lengths tell (-1). */
export const KCAT_FORMAT = ['-f', '%p\\t%o\\t%h\\t%K\\t%k\\t%S\\t%s\\n'];

export function fromKcat(line: string): PlainRecord {
  const [partition, offset, headers, keyLength, key, valueLength, value] = line.split(TAB);
  return {
    partition: Number(partition),
    offset: Number(offset),
    headers: headers!,
    key: keyLength === '-1' ? null : key!,
    value: valueLength === '-1' ? null : value!,
  };
}

export function fromLog({ partition, offset, key, value, headers }: LogRecord): PlainRecord {
  return {
    partition,
    offset,
    headers: headers.map(([name, content]) => `${name}=${content?.toString() ?? NULL}`).join(','),
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
  };
}

export async function readPartition(log: EventLog, at: TopicPartition): Promise<PlainRecord[]> {
  const records: PlainRecord[] = [];
  const [from, end] = await log.listOffsets([
    { ...at, at: 'earliest' },
    { ...at, at: 'latest' },
  ]);
  for (let offset = from!; offset < end!; ) {
    const batch = await log.read({ ...at, offset, maxWaitMs: 1_000 });
    if (batch.records.length === 0) break;
    records.push(...batch.records.map(fromLog));
    offset = batch.records.at(-1)!.offset + 1;
  }
  return records;
}

export function byPlace(a: PlainRecord, b: PlainRecord): number {
  return a.partition - b.partition || a.offset - b.offset;
}

function textOrNull(text: string): string | null {
  return text === NULL ? null : text;
}

/** One batch. */
export async function appendTexts(
  log: EventLog,
  at: TopicPartition,
  values: readonly string[],
  timeOf: (index: number) => number = () => Date.now(),
): Promise<void> {
  const records = values.map((value, i) => ({
    key: null,
    value: Buffer.from(value),
    headers: [],
    timestamp: timeOf(i),
  }));
  await log.append({ ...at, records });
}
