import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import { parseFilter } from './consume-filter.ts';
import { type ConsumeEnd, type ConsumeOptions, consumeInGroup, consumePartitions } from './consume-records.ts';
import { type StartFlags, startOf } from './consume-start.ts';
import { withLog } from './log-access.ts';
import { formatJson, parseFormat } from './record-format.ts';
import { RecordPrinter } from './record-printer.ts';
import { untilSignal } from './signals.ts';
import { assertPartition } from './topic-partition.ts';
import { integer, type VerbContext } from './verbs.ts';

interface ConsumeFlags extends StartFlags {
  readonly topic: string;
  readonly group?: string;
  readonly partition?: number;
  readonly max?: number;
  readonly timeoutMs?: number;
  readonly filter?: string;
  readonly format?: string;
  readonly json?: boolean;
}

/** As Kafka's console consumer has it: the values, one a line. */
const DEFAULT_FORMAT = '%v';
const HINT_AFTER_MS = 5_000;

export function consumeVerb(program: Command, context: VerbContext): void {
  context
    .verb(
      program,
      'consume',
      "print a topic's records as they come, from the end or from anywhere before; Ctrl-C ends it",
    )
    .requiredOption('-t, --topic <name>', 'topic')
    .option('--from-beginning', 'from the earliest record; with -g: where the group has no offset yet')
    .option('-o, --offset <offset>', 'from this one of partition -p; -5: the last five of each; earliest or latest')
    .option('--from-time <time>', 'from the first record at or after it: 2026-05-27T14:00:00Z, 14:00, or -10m')
    .option('-g, --group <id>', 'as a member of this group, which remembers what was printed')
    .option('-p, --partition <n>', 'this partition only', integer(0, 2 ** 31 - 1))
    .option('--max <n>', 'end after so many records', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--timeout-ms <n>', 'end when none has come for so long', integer(1, 2 ** 31 - 1))
    .option('--filter <expression>', 'only records where it holds, e.g. \'value.user_id == "u_1" && partition < 3\'')
    .option(
      '--format <text>',
      '%t topic, %p partition, %o offset, %k key, %v value, %h headers, %T time; see docs/cli.md',
    )
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ConsumeFlags) => consume(context, flags));
}

const EXAMPLES = `
Examples:
  streamsocial consume -t orders --from-beginning --max 10
  streamsocial consume -t orders --from-time -10m --format '%p:%o %k %v'
  streamsocial consume -t orders -g inventory --from-beginning --filter 'value.total >= 100 && header("source") != "test"'`;

async function consume(context: VerbContext, flags: ConsumeFlags): Promise<void> {
  const { topic, group, partition } = flags;
  refuseContradictions(flags);
  const start = startOf(flags, Date.now());
  const printer = new RecordPrinter({
    output: process.stdout,
    format: flags.json ? formatJson : parseFormat(flags.format ?? DEFAULT_FORMAT),
    filter: flags.filter === undefined ? null : parseFilter(flags.filter),
    max: flags.max ?? Number.POSITIVE_INFINITY,
  });
  const stopped = Promise.race([untilSignal().then(() => 'interrupted' as const), untilClosed()]);
  stopped.catch(() => {});
  const end = await withLog(context.loaded, async (access) => {
    const partitions = await assertPartition(access.log, topic, partition);
    const { idleTimeoutMs, note } = { idleTimeoutMs: flags.timeoutMs ?? null, note: (text: string) => say(text) };
    const options: ConsumeOptions = { topic, partitions, start, printer, idleTimeoutMs, stopped, note };
    const stopHint = hintWhenSilent(flags, partitions.length, printer);
    try {
      return group === undefined
        ? await consumePartitions(access, options)
        : await consumeInGroup(access, group, options);
    } finally {
      stopHint();
    }
  });
  finish(end, printer);
}

/** @throws KitError USAGE */
function refuseContradictions({ group, partition, offset, fromTime, format, json }: ConsumeFlags): void {
  if (json && format !== undefined) throw new KitError('USAGE', '--json and --format exclude each other');
  if (group === undefined) return;
  if (group === '') throw new KitError('USAGE', '-g needs the name of a group');
  if (partition !== undefined)
    throw new KitError('USAGE', '-g and -p exclude each other: a group divides the partitions itself');
  if (offset !== undefined || fromTime !== undefined)
    throw new KitError('USAGE', 'A group goes on where it was; `groups reset-offsets` moves it, or leave out -g');
}

/** The reader of the output has gone (`| head`). */
function untilClosed(): Promise<'closed'> {
  // Until here it ended the process at once; a member has to leave its group first.
  process.stdout.removeAllListeners('error');
  return new Promise((resolve, reject) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') resolve('closed');
      else reject(new KitError('OUTPUT_FAILED', `The output cannot be written: ${error.message}`, { cause: error }));
    });
  });
}

/** Only where somebody looks on. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

function hintWhenSilent(
  { topic, group, fromBeginning }: ConsumeFlags,
  partitions: number,
  printer: RecordPrinter,
): () => void {
  const timer = setTimeout(() => {
    if (printer.written > 0) return;
    const where = `${topic} (${partitions} partition${partitions === 1 ? '' : 's'})`;
    const why = printer.read > 0 ? `no record of ${printer.read} passed the filter yet` : 'nothing has come yet';
    const more = fromBeginning || group !== undefined ? '' : '; --from-beginning shows what was written before';
    say(`${where}: ${why}${more}. Ctrl-C ends it.`);
  }, HINT_AFTER_MS);
  return () => clearTimeout(timer);
}

function finish(end: ConsumeEnd, printer: RecordPrinter): void {
  if (end !== 'closed') say(`${printer.written.toLocaleString('en-US')} record${printer.written === 1 ? '' : 's'}`);
}
