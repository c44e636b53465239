/** Reads a topic until there is a reason to end: enough records, silence, a signal, a closed pipe, or a failure. */

import { isKitError, KitError } from '../kit/errors.ts';
import type { EventLog, PartitionOffset } from '../kit/log/event-log.ts';
import { AssignedReader } from '../kit/log/kafka/assigned-reader.ts';
import { resolveGroupStart, resolveStart, type Start } from './consume-start.ts';
import type { LogAccess } from './log-access.ts';
import type { RecordPrinter } from './record-printer.ts';

export interface ConsumeOptions {
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly start: Start;
  readonly printer: RecordPrinter;
  /** Ends it when no record has come for so long; null: never. */
  readonly idleTimeoutMs: number | null;
  /** Ctrl-C, or a closed pipe. */
  readonly stopped: Promise<'interrupted' | 'closed'>;
  /** For people: why nothing comes. */
  readonly note: (text: string) => void;
}

export type ConsumeEnd = 'full' | 'idle' | 'interrupted' | 'closed';

const COMMIT_EVERY_MS = 1_000;
/** For what is being written when the end comes. */
const LAST_WRITE_MS = 1_000;
const LOOK_EVERY_MS = 100;
/** After so long without a record, brokers are asked whether they are there. */
const QUIET_MS = 3_000;
const UNREACHABLE_MS = 30_000;

/** Without a group: nothing is committed, nobody else is disturbed. */
export async function consumePartitions(access: LogAccess, options: ConsumeOptions): Promise<ConsumeEnd> {
  const { topic, partitions, start, printer } = options;
  const all = partitions.map((partition) => ({ topic, partition }));
  const starts = await resolveStart(access.log, all, start);
  const reader = new AssignedReader({
    bootstrap: access.bootstrap,
    starts,
    onRecords: (batch) => printer.print(batch),
    clientId: 'streamsocial-cli',
  });
  try {
    return await untilEnd(access.log, options, reader.ended);
  } finally {
    await printer.stop(LAST_WRITE_MS);
    await reader.stop();
  }
}

/**
 * As a member of a group. Only what was written is committed: once a second, when partitions go to another member, and at the
 * end; nothing more once the reader of the output has gone, since nobody knows what it took.
 */
export async function consumeInGroup(access: LogAccess, groupId: string, options: ConsumeOptions): Promise<ConsumeEnd> {
  const { topic, printer, start, note } = options;
  const group = access.log.group(groupId);
  const fallback = 'at' in start ? start.at : 'latest';
  let isClosed = false;
  const closing = options.stopped.then((why) => {
    isClosed ||= why === 'closed';
    return why;
  });
  const joining = group.join({
    topics: [topic],
    clientId: 'streamsocial-cli',
    async onAssigned(partitions) {
      const { positions, moved } = await resolveGroupStart(access.log, partitions, await group.committed(), fallback);
      for (const line of moved) note(line);
      // where a group that begins at the end has begun: the next time it goes on from there
      await commit(positions);
      return positions;
    },
    onRecords: (batch) => printer.print(batch),
    async onRevoked(_, lost) {
      const written = printer.takePositions();
      if (!lost) await commit(written);
    },
  });
  const commit = async (positions: readonly PartitionOffset[]): Promise<void> => {
    if (!isClosed && positions.length > 0) await (await joining).commit(positions);
  };
  // the log's closing ends a join that is not waited for any more
  joining.catch(() => {});
  const member = await Promise.race([joining, closing]);
  if (typeof member === 'string') return member;
  note(`joined the group ${groupId}`);
  const committing = setInterval(() => {
    commit(printer.takePositions()).catch((error) => note(`not committed: ${(error as Error).message}`));
  }, COMMIT_EVERY_MS);
  try {
    return await untilEnd(access.log, { ...options, stopped: closing }, member.ended);
  } finally {
    await printer.stop(LAST_WRITE_MS);
    clearInterval(committing);
    await member.leave();
  }
}

/** @param failed rejects with what cannot be got over */
async function untilEnd(
  log: Pick<EventLog, 'describe'>,
  { topic, printer, idleTimeoutMs, stopped, note }: ConsumeOptions,
  failed: Promise<void>,
): Promise<ConsumeEnd> {
  const idle = Promise.withResolvers<'idle'>();
  const watch = new Watch(log, topic, note);
  let [seen, seenAt] = [printer.read, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    if (printer.read > seen || printer.isWriting) [seen, seenAt] = [printer.read, now];
    const quietMs = now - seenAt;
    if (idleTimeoutMs !== null && quietMs >= idleTimeoutMs) idle.resolve('idle');
    else if (quietMs >= QUIET_MS) watch.look().catch(idle.reject);
  }, LOOK_EVERY_MS);
  try {
    return await Promise.race([
      printer.full.then(() => 'full' as const),
      idle.promise,
      stopped,
      failed.then(() => 'interrupted' as const),
    ]);
  } finally {
    clearInterval(timer);
  }
}

/** Tells silence of the topic from silence of the brokers. */
class Watch {
  readonly #log: Pick<EventLog, 'describe'>;
  readonly #topic: string;
  readonly #note: (text: string) => void;
  #looking = false;
  #nextAt = 0;
  #failingSince: number | null = null;

  constructor(log: Pick<EventLog, 'describe'>, topic: string, note: (text: string) => void) {
    this.#log = log;
    this.#topic = topic;
    this.#note = note;
  }

  /** @throws KitError LOG_UNAVAILABLE after 30 s without an answer; UNKNOWN_TOPIC when it was deleted meanwhile */
  async look(): Promise<void> {
    if (this.#looking || performance.now() < this.#nextAt) return;
    this.#looking = true;
    try {
      await this.#log.describe([this.#topic]);
      this.#failingSince = null;
    } catch (error) {
      if (!isKitError(error) || !error.retriable) throw error;
      const now = performance.now();
      if (this.#failingSince === null) this.#note(`${error.message}; goes on trying for ${UNREACHABLE_MS / 1000} s`);
      this.#failingSince ??= now;
      if (now - this.#failingSince < UNREACHABLE_MS) return;
      throw new KitError('LOG_UNAVAILABLE', `${error.message}, for ${UNREACHABLE_MS / 1000} s`, {
        cause: error,
        retriable: true,
      });
    } finally {
      this.#looking = false;
      this.#nextAt = performance.now() + QUIET_MS;
    }
  }
}
