import { statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { lastLines } from './log-tail.ts';

export interface ExitReason {
  /** `DISK_FULL`, `OUT_OF_MEMORY`, `CLUSTER_ID_MISMATCH` or `PORT_IN_USE`; null where it is none of these. */
  readonly code: string | null;
  /** For people, e.g. `was killed by SIGKILL` or `ended with code 1: its disk is full`. */
  readonly text: string;
  /** What its log says about it last, shortened; none after a signal. */
  readonly lines: readonly string[];
}

interface Cause {
  readonly code: string;
  readonly pattern: RegExp;
  readonly text: string;
}

/** The texts of Kafka 4.1, of the JVM and of Redis. */
const CAUSES: readonly Cause[] = [
  { code: 'DISK_FULL', pattern: /No space left on device|Disk quota exceeded/, text: 'its disk is full' },
  {
    code: 'OUT_OF_MEMORY',
    pattern: /java\.lang\.OutOfMemoryError|insufficient memory for the Java/,
    text: 'it ran out of memory',
  },
  {
    code: 'CLUSTER_ID_MISMATCH',
    pattern: /InconsistentClusterId|INCONSISTENT_CLUSTER_ID|Invalid cluster\.id in/,
    text: 'its data is of another cluster',
  },
  { code: 'PORT_IN_USE', pattern: /Address already in use/, text: 'another program has its port' },
];

const SEARCHED_LINES = 2_000;
const SHOWN_CHARS = 300;
/** With less than this a server cannot even write its log. */
const FULL_BELOW_BYTES = 64 * 1024;
const COMPLAINT = /\b(ERROR|FATAL)\b|^Terminating due to |^Error occurred during initialization|^\d+:M .* # /;
const EXCEPTION = /^(Caused by: )?[\w.$]+(Exception|Error)\b/;

export interface EndedServer {
  /** As a shell gives it: 128 + n after signal n; null when it is not known. */
  readonly exitCode?: number | null;
  readonly logFile: string;
  readonly dataDirectory: string;
}

/** Why a server ended: from its exit code, its log and the room on its disks. */
export async function exitReason({ exitCode: code = null, ...server }: EndedServer): Promise<ExitReason> {
  const signal = signalOf(code);
  if (signal === 'SIGKILL' || signal === 'SIGTERM') return { code: null, text: `was ended by ${signal}`, lines: [] };
  const lines = await lastLines(server.logFile, SEARCHED_LINES);
  const full = await Promise.all([dirname(server.logFile), server.dataDirectory].map(isDiskFull));
  const cause = causeIn(lines) ?? (full.includes(true) ? CAUSES[0] : undefined);
  const end = signal === null ? `ended${code === null ? '' : ` with exit code ${code}`}` : `was ended by ${signal}`;
  return {
    code: cause?.code ?? null,
    text: cause === undefined ? end : `${end}: ${cause.text}`,
    lines: complaint(lines, cause),
  };
}

function signalOf(code: number | null): string | null {
  const found = Object.entries(constants.signals).find(([, number]) => code === 128 + number);
  return found?.[0] ?? null;
}

/** The cause named last: what is further up may have been overcome. */
function causeIn(lines: readonly string[]): Cause | undefined {
  for (const line of lines.toReversed()) {
    const cause = CAUSES.find(({ pattern }) => pattern.test(line));
    if (cause !== undefined) return cause;
  }
  return undefined;
}

/** The last complaint, of the cause where it is told in the log, and the exception below it. */
function complaint(lines: readonly string[], cause: Cause | undefined): string[] {
  const ofCause = lines.findLastIndex((line, index) => {
    return COMPLAINT.test(line) && cause?.pattern.test(`${line}\n${lines[index + 1] ?? ''}`);
  });
  const at = ofCause >= 0 ? ofCause : lines.findLastIndex((line) => COMPLAINT.test(line));
  if (at < 0) return lines.slice(-1).map(shorten);
  const next = lines[at + 1];
  return [lines[at]!, ...(next !== undefined && EXCEPTION.test(next) ? [next] : [])].map(shorten);
}

function shorten(line: string): string {
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}…` : line;
}

async function isDiskFull(directory: string): Promise<boolean> {
  const room = await statfs(directory).catch(() => undefined);
  return room !== undefined && room.bavail * room.bsize < FULL_BELOW_BYTES;
}
