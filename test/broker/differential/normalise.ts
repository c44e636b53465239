/**
 * What of an answer is not compared, all of it: ids get names (`names.ts`); addresses, times that the broker's clock makes, sizes on
 * disk and the texts of error messages are left out; topics and groups that are no part of the comparison are left out; of
 * configurations only what was set is compared, and which there are; lists of structures are sorted, since clients go by what stands in them; record batches are read, without a last one that is cut
 * short (Kafka cuts where its limit is) and without their leader's epoch.
 */
import { createHash } from 'node:crypto';
import { NO_UUID } from '../../../src/broker/protocol/layout.ts';
import { HEADER_BYTES } from '../support/batches.ts';
import type { Message } from '../support/world.ts';
import type { Names } from './names.ts';

const LEFT_OUT: Readonly<Record<string, unknown>> = {
  throttleTimeMs: 0,
  host: '',
  port: 0,
  clusterId: '',
  errorMessage: null,
  batchIndexErrorMessage: null,
  logAppendTimeMs: -1,
  logDir: '',
  partitionSize: 0,
  totalBytes: 0,
  usableBytes: 0,
};

export interface Normaliser {
  readonly names: Names;
  /** Whether the topic or group of this name is part of the comparison. */
  readonly isOurs: (name: string) => boolean;
}

export function normalise(answer: unknown, rules: Normaliser): Message {
  return value('', answer, null, rules) as Message;
}

function value(name: string, given: unknown, parent: Message | null, rules: Normaliser): unknown {
  if (name in LEFT_OUT) return LEFT_OUT[name];
  const { names } = rules;
  switch (name) {
    case 'topicId':
      return given === NO_UUID ? given : names.topic(given as string, parent?.name ?? parent?.topic ?? null);
    case 'memberId':
    case 'leader':
      return given === null ? null : names.member(given as string);
    case 'producerId':
      return given === -1 ? -1 : names.producer(String(given));
    case 'records':
      return given === null ? null : batches(Buffer.concat(given as Buffer[]), names);
  }
  if (Buffer.isBuffer(given)) return given.toString('hex');
  if (Array.isArray(given)) return list(name, given, rules);
  if (typeof given === 'object' && given !== null) return structure(given as Message, rules);
  return given;
}

function structure(given: Message, rules: Normaliser): Message {
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, value(name, each, given, rules)]));
}

function list(name: string, given: readonly unknown[], rules: Normaliser): unknown[] {
  const LISTED: Readonly<Record<string, string>> = { topics: 'name', groups: 'groupId' };
  const key = LISTED[name];
  const ours = given.filter((each) => key === undefined || isOurs((each as Message)[key], rules));
  const elements = ours.map((each) => (name === 'configs' ? config(each as Message) : value('', each, null, rules)));
  const isOfStructures = elements.every((each) => typeof each === 'object' && each !== null);
  return isOfStructures ? merged(elements as Message[]).sort((a, b) => (order(a) < order(b) ? -1 : 1)) : elements;
}

/** Kafka names a topic twice where its partitions are not beside each other. */
function merged(elements: readonly Message[]): Message[] {
  if (!elements.every(({ partitions }) => Array.isArray(partitions))) return [...elements];
  const same = Map.groupBy(elements, ({ partitions: _, ...rest }) => JSON.stringify(rest));
  return [...same.values()].map(([first, ...others]) => {
    const partitions = [first!, ...others].flatMap((each) => each.partitions);
    return { ...first, partitions: partitions.sort((a, b) => (order(a) < order(b) ? -1 : 1)) };
  });
}

const SET_ON_TOPIC = 1;

function config({ synonyms: _, documentation: __, ...rest }: Message): Message {
  return rest.configSource === SET_ON_TOPIC ? rest : { ...rest, value: 'default', configSource: 'default' };
}

function isOurs(name: unknown, rules: Normaliser): boolean {
  return typeof name !== 'string' || rules.isOurs(name);
}

function order(each: unknown): string {
  const { errorCode: _, ...rest } = each as Message;
  return JSON.stringify(rest);
}

function batches(bytes: Buffer, names: Names): Message[] {
  const found: Message[] = [];
  let rest = bytes;
  while (rest.length >= HEADER_BYTES && rest.length >= 12 + rest.readInt32BE(8)) {
    const length = 12 + rest.readInt32BE(8);
    found.push(batch(rest.subarray(0, length), names));
    rest = rest.subarray(length);
  }
  return found;
}

/** Without the checksum, in which the producer's id is. */
function batch(bytes: Buffer, names: Names): Message {
  const producerId = bytes.readBigInt64BE(43);
  return {
    baseOffset: Number(bytes.readBigInt64BE(0)),
    length: bytes.length,
    attributes: bytes.readInt16BE(21),
    lastOffsetDelta: bytes.readInt32BE(23),
    baseTimestamp: String(bytes.readBigInt64BE(27)),
    maxTimestamp: String(bytes.readBigInt64BE(35)),
    producerId: producerId < 0n ? -1 : names.producer(String(producerId)),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    count: bytes.readInt32BE(57),
    body: createHash('sha1').update(bytes.subarray(HEADER_BYTES)).digest('hex'),
  };
}
