/** Records as JSON: bytes as text where they are UTF-8, else as base64, and said which. */
import { isUtf8 } from 'node:buffer';
import Type, { type Static } from 'typebox';
import type { Header, LogRecord } from '../kit/log/event-log.ts';
import { Offset, Partition, TopicName } from './schemas.ts';

const Encoding = Type.Enum(['utf-8', 'base64'], { description: 'base64 where the bytes are not UTF-8.' });
const Text = Type.Union([Type.String(), Type.Null()]);
const HeaderJson = Type.Object({ name: Type.String(), value: Text, encoding: Encoding });

export const ContentJson = Type.Object({
  key: Text,
  key_encoding: Encoding,
  headers: Type.Array(HeaderJson),
  value: Text,
  encoding: Encoding,
});

export const RecordJson = Type.Object({
  topic: TopicName,
  partition: Partition,
  offset: Offset,
  timestamp: Type.Integer({ description: 'Publish time, milliseconds since the epoch.' }),
  ...ContentJson.properties,
});

export type RecordJson = Static<typeof RecordJson>;

export interface EncodedBytes {
  readonly value: string | null;
  readonly encoding: 'utf-8' | 'base64';
}

export function encodeBytes(bytes: Buffer | null): EncodedBytes {
  if (bytes === null) return { value: null, encoding: 'utf-8' };
  return isUtf8(bytes)
    ? { value: bytes.toString(), encoding: 'utf-8' }
    : { value: bytes.toString('base64'), encoding: 'base64' };
}

export function contentJson({ key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>) {
  const keyText = encodeBytes(key);
  return {
    key: keyText.value,
    key_encoding: keyText.encoding,
    headers: headers.map(([name, bytes]: Header) => ({ name, ...encodeBytes(bytes) })),
    ...encodeBytes(value),
  };
}

export function recordJson(record: LogRecord) {
  const { topic, partition, offset, timestamp } = record;
  return { topic, partition, offset, timestamp, ...contentJson(record) };
}
