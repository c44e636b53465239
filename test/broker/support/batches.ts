/** Record batches, whole or damaged, from a description that can be printed and built again. */
import { compressionsAlgorithmsByBitmask, crc32c } from '@platformatic/kafka';
import { encodeRecordBatch } from '../../../src/kit/log/record-encoder.ts';

export interface RecordSpec {
  readonly key: string | null;
  readonly value: string | null;
  /** After the batch's. */
  readonly delayMs: number;
  readonly header?: string;
}

export interface BatchSpec {
  readonly timestamp: number;
  readonly records: readonly RecordSpec[];
  /** Attribute bits 0-2; 0 for none. */
  readonly compression: number;
  /** A number, or a name that whoever builds the batch has one for; absent for a producer that is not idempotent. */
  readonly producer?: string;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly damage?: Damage;
}

export const HEADER_BYTES = 61;
const [LENGTH_AT, MAGIC_AT, CRC_AT, CRC_FROM, LAST_DELTA_AT, BASE_TIME_AT] = [8, 16, 17, 21, 23, 27];
const [MAX_TIME_AT, COUNT_AT] = [35, 57];

/** What can be wrong with a batch. Those above `crc` leave the checksum right, as a faulty client would. */
const DAMAGES = {
  transactional: (batch: Buffer) => batch.writeInt16BE(batch.readInt16BE(CRC_FROM) | 0x10, CRC_FROM),
  control: (batch: Buffer) => batch.writeInt16BE(batch.readInt16BE(CRC_FROM) | 0x20, CRC_FROM),
  appendTime: (batch: Buffer) => batch.writeInt16BE(batch.readInt16BE(CRC_FROM) | 0x08, CRC_FROM),
  unknownCompression: (batch: Buffer) => batch.writeInt16BE(7, CRC_FROM),
  lastDelta: (batch: Buffer) => batch.writeInt32BE(batch.readInt32BE(LAST_DELTA_AT) + 1, LAST_DELTA_AT),
  count: (batch: Buffer) => batch.writeInt32BE(batch.readInt32BE(COUNT_AT) + 1, COUNT_AT),
  hugeCount: (batch: Buffer) => {
    batch.writeInt32BE(0x7fffffff, COUNT_AT);
    batch.writeInt32BE(0x7ffffffe, LAST_DELTA_AT);
  },
  noRecords: (batch: Buffer) => {
    batch.writeInt32BE(0, COUNT_AT);
    batch.writeInt32BE(-1, LAST_DELTA_AT);
  },
  maxTime: (batch: Buffer) => batch.writeBigInt64BE(batch.readBigInt64BE(MAX_TIME_AT) + 1_000n, MAX_TIME_AT),
  farFuture: (batch: Buffer) => {
    batch.writeBigInt64BE(2n ** 63n - 1n, BASE_TIME_AT);
    batch.writeBigInt64BE(2n ** 63n - 1n, MAX_TIME_AT);
  },
  beyondDoubles: (batch: Buffer) => {
    batch.writeBigInt64BE(2n ** 60n, BASE_TIME_AT);
    batch.writeBigInt64BE(2n ** 60n, MAX_TIME_AT);
  },
  beforeTime: (batch: Buffer) => {
    batch.writeBigInt64BE(-(2n ** 63n), BASE_TIME_AT);
    batch.writeBigInt64BE(-(2n ** 63n), MAX_TIME_AT);
  },
  records: (batch: Buffer) => {
    if (batch.length > HEADER_BYTES) batch[HEADER_BYTES]! ^= 0x3f;
  },
  lastByte: (batch: Buffer) => {
    batch[batch.length - 1]! ^= 0x55;
  },
  crc: (batch: Buffer) => {
    batch[CRC_AT]! ^= 0xff;
  },
  magic: (batch: Buffer) => {
    batch[MAGIC_AT] = 1;
  },
  length: (batch: Buffer) => batch.writeInt32BE(batch.readInt32BE(LENGTH_AT) + 5, LENGTH_AT),
  shortLength: (batch: Buffer) => batch.writeInt32BE(10, LENGTH_AT),
} as const;

/** Two more are about more, or less, than one batch. */
export type Damage = keyof typeof DAMAGES | 'truncated' | 'twice';
export const DAMAGE_KINDS: readonly Damage[] = [...(Object.keys(DAMAGES) as Damage[]), 'truncated', 'twice'];
const CHECKSUM_STAYS: ReadonlySet<string> = new Set(['crc', 'magic', 'length', 'shortLength']);

export function buildBatch(spec: BatchSpec, producerId: (name: string) => bigint = BigInt): Buffer {
  const records = spec.records.map(({ key, value, delayMs, header }) => ({
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: header === undefined ? [] : [[header, Buffer.from(header)] as const],
    timestamp: spec.timestamp + delayMs,
  }));
  const stamp = {
    producerId: spec.producer === undefined ? -1n : producerId(spec.producer),
    producerEpoch: spec.epoch ?? -1,
    firstSequence: spec.sequence ?? -1,
  };
  const batch = compress(encodeRecordBatch(records, stamp), spec.compression);
  return spec.damage === undefined ? batch : damaged(batch, spec.damage);
}

export function sealed(batch: Buffer): Buffer {
  if (batch.length >= HEADER_BYTES) batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_AT);
  return batch;
}

/** Length and checksum as they have to be for what is there. */
export function resealed(batch: Buffer): Buffer {
  if (batch.length >= HEADER_BYTES) batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT);
  return sealed(batch);
}

function compress(batch: Buffer, compression: number): Buffer {
  if (compression === 0) return batch;
  const body = compressionsAlgorithmsByBitmask[compression]!.compressSync(batch.subarray(HEADER_BYTES));
  const header = Buffer.from(batch.subarray(0, HEADER_BYTES));
  header.writeInt16BE(compression, CRC_FROM);
  return resealed(Buffer.concat([header, body]));
}

function damaged(batch: Buffer, damage: Damage): Buffer {
  if (damage === 'truncated') return batch.subarray(0, batch.length - 3);
  if (damage === 'twice') return Buffer.concat([batch, batch]);
  DAMAGES[damage](batch);
  return CHECKSUM_STAYS.has(damage) ? batch : sealed(batch);
}
