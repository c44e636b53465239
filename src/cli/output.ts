import { isKitError, KitError } from '../kit/errors.ts';

/** Exit codes of every verb; documented in docs/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  verdictNotMet: 4,
  notFound: 5,
  refused: 6,
} as const;

const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  UNREACHABLE: EXIT.unreachable,
  LOG_UNAVAILABLE: EXIT.unreachable,
  STORE_UNAVAILABLE: EXIT.unreachable,
  DELIVERY_TIMEOUT: EXIT.unreachable,
  USAGE: EXIT.usage,
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_SETTING: EXIT.usage,
  UNKNOWN_SETTING: EXIT.usage,
  SETTING_CONFLICT: EXIT.usage,
  SETTINGS_FILE_UNREADABLE: EXIT.usage,
  AUTHENTICATION_REQUIRED: EXIT.usage,
  INVALID_BOOTSTRAP: EXIT.usage,
  INVALID_CONFIG: EXIT.usage,
  INVALID_GROUP_ID: EXIT.usage,
  INVALID_PARTITIONS: EXIT.usage,
  INVALID_TOPIC: EXIT.usage,
  FILE_NOT_FOUND: EXIT.notFound,
  OFFSET_OUT_OF_RANGE: EXIT.notFound,
  UNKNOWN_DRILL: EXIT.notFound,
  VERDICT_NOT_MET: EXIT.verdictNotMet,
  ALREADY_RUNNING: EXIT.refused,
  PORT_IN_USE: EXIT.refused,
  DATA_DIR_LOCKED: EXIT.refused,
  CLUSTER_RUNNING: EXIT.refused,
  SERVER_RUNNING: EXIT.refused,
  SERVER_NOT_RUNNING: EXIT.refused,
  LAUNCHER_GONE: EXIT.unreachable,
  LAUNCHER_SILENT: EXIT.unreachable,
  TOPIC_EXISTS: EXIT.refused,
  TOPIC_MISMATCH: EXIT.refused,
  TOPIC_DELETION_DISABLED: EXIT.refused,
  PLATFORM_TOPIC: EXIT.refused,
  GROUP_ACTIVE: EXIT.refused,
  GROUP_SUBSCRIBED: EXIT.refused,
  GROUP_TYPE_UNSUPPORTED: EXIT.refused,
  NO_COMMITTED_OFFSET: EXIT.refused,
  PROJECTION_GROUP: EXIT.refused,
  ACLS_NOT_SUPPORTED: EXIT.refused,
  REFUSED_BY_KAFKA: EXIT.refused,
  REPLAY_LIMIT: EXIT.refused,
  REBUILD_RUNNING: EXIT.refused,
  REBUILD_INCOMPLETE: EXIT.refused,
  DEMO_RUNNING: EXIT.refused,
};

export function exitCodeOf(error: unknown): number {
  if (!isKitError(error)) return EXIT.failed;
  const known = EXIT_BY_CODE[error.code];
  if (known !== undefined) return known;
  const { status } = error.details;
  if (status === 400 || status === 422) return EXIT.usage;
  if (status === 404 || error.code.startsWith('UNKNOWN_')) return EXIT.notFound;
  if (status === 401 || status === 403 || status === 409) return EXIT.refused;
  return EXIT.failed;
}

/** One line for a known error, the stack for one that nobody foresaw. */
export function describeError(error: unknown): string {
  if (error instanceof KitError) return `error: ${error.message} (${error.code})`;
  return error instanceof Error ? `error: ${error.stack ?? error.message}` : `error: ${String(error)}`;
}

/** A row of text cells under headings, columns as wide as their widest cell; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]!.length)),
  );
  const right = headings.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(headings), ...cells.map(line)].join('\n');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** A line on stderr that rewrites itself; silent where stderr is no terminal. */
export class Progress {
  readonly #live = process.stderr.isTTY === true;
  #lastAt = 0;

  update(text: string, now = Date.now()): void {
    if (!this.#live || now - this.#lastAt < 100) return;
    this.#lastAt = now;
    process.stderr.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    if (this.#live) process.stderr.write('\r\x1b[K');
  }
}

/** `| head` closes the pipe early: that is an end, not a failure. */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}
