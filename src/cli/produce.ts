import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LoadedSettings } from '../config/settings.ts';
import { KitError } from '../kit/errors.ts';
import type { Header } from '../kit/log/event-log.ts';
import { PlainProducer } from '../kit/log/kafka/plain-producer.ts';
import { HighVolumeProducer, type Sent } from '../kit/producers/high-volume-producer.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { Progress, print, printJson } from './output.ts';
import { type InputLine, linesOf, typedLines } from './produce-input.ts';
import { type ProduceTally, produceLines } from './produce-lines.ts';
import { untilSignal } from './signals.ts';
import { assertPartition } from './topic-partition.ts';
import { integer, type VerbContext } from './verbs.ts';

type Acks = '0' | '1' | 'all';

interface ProduceFlags {
  readonly topic: string;
  readonly keySeparator?: string;
  readonly header?: readonly Header[];
  readonly acks: Acks;
  readonly file?: string;
  readonly partition?: number;
  readonly nullValue?: string;
  readonly maxRecordBytes: number;
  readonly skipInvalid?: boolean;
  readonly json?: boolean;
}

/** Where nothing else is set: at a terminal two minutes of silence are taken for a hang. */
const DELIVERY_TIMEOUT_MS = 30_000;
const MAX_BATCH_BYTES = 512 * 1024;
const PROGRESS_MS = 500;
const MIB = 1024 * 1024;

const WARNING: Readonly<Record<Acks, string | null>> = {
  '0': 'acks=0: nobody answers. What a broker refuses or loses is not noticed, and no offsets are known.',
  '1': 'acks=1: only the leader answers. A record can be lost with it before others have it, and be stored twice after a failure.',
  all: null,
};

export function produceVerb(program: Command, context: VerbContext): void {
  context
    .verb(program, 'produce', 'write lines to a topic, a record each: from a file, from stdin, or typed at a prompt')
    .requiredOption('-t, --topic <name>', 'topic')
    .option('--key-separator <text>', 'what stands between key and value, e.g. : (default: no keys)', notEmpty)
    .option('--header <name=value...>', 'a header of every record, repeatable', header)
    .addOption(
      new Option('--acks <acks>', 'who has to have a record before it counts')
        .choices(['0', '1', 'all'])
        .default('all', 'all in-sync replicas, stored once'),
    )
    .option('--file <file>', 'read this instead of stdin')
    .option('-p, --partition <n>', 'this partition, whatever the key', integer(0, 2 ** 31 - 1))
    .option('--null-value <text>', 'a value that reads so is null: it deletes its key from a compacted topic')
    .option('--max-record-bytes <n>', 'a longer line is refused', integer(1, 64 * MIB), MIB)
    .option('--skip-invalid', 'leave out lines that are no record, instead of ending at the first')
    .option('--json', 'print what was written as a JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ProduceFlags) => produce(context.loaded, flags));
}

const EXAMPLES = `
Examples:
  echo 'o-1:{"total":12}' | streamsocial produce -t orders --key-separator :
  streamsocial produce -t orders --file orders.ndjson --header source=shop`;

function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** Names may repeat, as in Kafka. */
function header(text: string, earlier: readonly Header[] = []): readonly Header[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be name=value.');
  return [...earlier, [text.slice(0, at), Buffer.from(text.slice(at + 1))]];
}

async function produce(loaded: LoadedSettings, flags: ProduceFlags): Promise<void> {
  const { file, acks } = flags;
  if (file !== undefined) await assertReadable(file);
  const warning = WARNING[acks];
  if (warning !== null) process.stderr.write(`${warning}\n`);
  await withLog(loaded, async (access) => {
    await assertPartition(access.log, flags.topic, flags.partition);
    const interrupted = new AbortController();
    void untilSignal().then(() => interrupted.abort());
    const tally = await send(access, flags, deliveryTimeoutMs(loaded), interrupted.signal);
    if (flags.json) printJson(report(flags, tally, interrupted.signal.aborted));
    else print(summary(flags.topic, tally));
    if (tally.error !== null) throw tally.error;
    if (interrupted.signal.aborted && file !== undefined)
      throw new KitError('INTERRUPTED', `${file} was read up to line ${tally.lines}; what was read is written`);
  });
}

async function send(
  { log, bootstrap }: LogAccess,
  flags: ProduceFlags,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProduceTally> {
  const { topic, acks, partition = null, keySeparator, nullValue, file, maxRecordBytes } = flags;
  const plain = acks === 'all' ? null : new PlainProducer({ bootstrap, acks: acks === '0' ? 0 : 1 });
  const producer = new HighVolumeProducer({
    log: plain === null ? log : { append: (batch) => plain.append(batch), describe: (topics) => log.describe(topics) },
    deliveryTimeoutMs: timeoutMs,
    maxBatchBytes: MAX_BATCH_BYTES,
  });
  const isPrompt = file === undefined && process.stdin.isTTY === true;
  const stopShowing = isPrompt ? () => {} : showProgress(producer);
  try {
    return await produceLines(inputOf(file, isPrompt, maxRecordBytes, signal), {
      producer,
      topic,
      partition,
      headers: flags.header ?? [],
      keySeparator: keySeparator === undefined ? null : Buffer.from(keySeparator),
      nullValue: nullValue === undefined ? null : Buffer.from(nullValue),
      maxBytes: maxRecordBytes,
      // a typing error must not end the prompt
      skipInvalid: flags.skipInvalid === true || isPrompt,
      signal,
      onSkipped: ({ message }) => process.stderr.write(`${message}${isPrompt ? '' : '; left out'}\n`),
      ...(isPrompt ? { onSent: tell } : {}),
    });
  } finally {
    stopShowing();
    await producer.close();
    await plain?.close();
  }
}

function inputOf(
  file: string | undefined,
  isPrompt: boolean,
  maxBytes: number,
  signal: AbortSignal,
): AsyncIterable<InputLine[]> {
  if (isPrompt) return typedLines(signal);
  const input = file === undefined ? process.stdin : createReadStream(file);
  signal.addEventListener('abort', () => input.destroy(), { once: true });
  return linesOf(input, maxBytes);
}

function tell({ partition, offset }: Sent): void {
  process.stderr.write(`  partition ${partition}${offset < 0 ? '' : `, offset ${offset}`}\n`);
}

function showProgress(producer: HighVolumeProducer): () => void {
  const progress = new Progress();
  const timer = setInterval(() => {
    const { stalledSinceMs, lastErrorCode } = producer.health();
    const { messages_sent: sent } = producer.metrics();
    const stalled =
      stalledSinceMs === null
        ? ''
        : `, none acknowledged for ${Math.round((Date.now() - stalledSinceMs) / 1000)} s (${lastErrorCode ?? 'no answer yet'})`;
    progress.update(`${sent.toLocaleString('en-US')} records${stalled}`);
  }, PROGRESS_MS);
  return () => {
    clearInterval(timer);
    progress.clear();
  };
}

async function assertReadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new KitError('FILE_NOT_FOUND', `There is no readable file ${file}`, { cause });
  }
}

function deliveryTimeoutMs({ settings, origins }: LoadedSettings): number {
  const isSet = origins.producerDeliveryTimeoutMs.source !== 'default';
  return isSet ? settings.producerDeliveryTimeoutMs : DELIVERY_TIMEOUT_MS;
}

function report({ topic, acks }: ProduceFlags, tally: ProduceTally, interrupted: boolean): object {
  const { error, ...counts } = tally;
  return {
    topic,
    acks,
    ...counts,
    interrupted,
    error: error === null ? null : { code: error.code, message: error.message },
  };
}

function summary(topic: string, { lines, records, skipped, partitions }: ProduceTally): string {
  const places = partitions.map(({ partition, records: count, first_offset: first, last_offset: last }) => {
    const offsets = first === null ? '' : first === last ? ` (offset ${first})` : ` (offsets ${first} to ${last})`;
    return `partition ${partition}: ${count.toLocaleString('en-US')}${offsets}`;
  });
  const of = lines === records ? '' : ` of ${lines.toLocaleString('en-US')} lines`;
  const left = skipped === 0 ? '' : `, ${skipped} left out`;
  const noun = of !== '' ? '' : records === 1 ? ' record' : ' records';
  return `${records.toLocaleString('en-US')}${of}${noun} written to ${topic}${left}${places.length === 0 ? '' : `: ${places.join(', ')}`}`;
}
