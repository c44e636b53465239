/** What the tutorial plays on: an embedded log of its own, the verbs as processes beside it, and a second view of the log to check them by. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openBroker } from '../broker/broker.ts';
import { KitError } from '../kit/errors.ts';
import { EmbeddedLog } from '../kit/log/embedded/embedded-log.ts';
import type { EventLog, LogRecord } from '../kit/log/event-log.ts';
import { KafkaAdmin } from '../kit/log/kafka/kafka-admin.ts';
import type { LogAdmin } from '../kit/log/log-admin.ts';
import { siblingModule } from '../kit/sibling-module.ts';

/** A verb that ran, as it is shown. */
export interface Shown {
  /** As one would type it. */
  readonly command: string;
  readonly output: string;
  readonly exitCode: number | null;
}

/** A verb that goes on until it is ended. */
export interface Member {
  readonly command: string;
  /** Of its standard output so far. */
  lines(): readonly string[];
  end(signal: NodeJS.Signals): Promise<void>;
}

/** More than any step prints; beyond, output is cut. */
const MAX_OUTPUT_CHARS = 256 * 1024;
const VERB_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

export class Stage implements AsyncDisposable {
  readonly log: EventLog;
  readonly admin: LogAdmin;
  readonly #bootstrap: string;
  readonly #directory: string;
  readonly #children = new Set<ChildProcess>();
  readonly #opened: AsyncDisposableStack;
  #closed = false;

  private constructor(parts: {
    log: EventLog;
    admin: LogAdmin;
    bootstrap: string;
    directory: string;
    opened: AsyncDisposableStack;
  }) {
    this.log = parts.log;
    this.admin = parts.admin;
    this.#bootstrap = parts.bootstrap;
    this.#directory = parts.directory;
    this.#opened = parts.opened;
  }

  static async open(): Promise<Stage> {
    await using opened = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'streamsocial-tutorial-'));
    opened.defer(() => rm(directory, { recursive: true, force: true }));
    const log = opened.adopt(await EmbeddedLog.open({ directory: join(directory, 'log') }), (open) => open.close());
    const broker = opened.adopt(await openBroker({ log, settings: { autoCreateTopics: false } }), (open) =>
      open.close(),
    );
    const bootstrap = `${broker.host}:${broker.port}`;
    const admin = opened.adopt(new KafkaAdmin({ bootstrap: [bootstrap] }), (open) => open.close());
    return new Stage({ log, admin, bootstrap, directory, opened: opened.move() });
  }

  /** Whoever still plays on it then sees its processes die. */
  get closed(): boolean {
    return this.#closed;
  }

  get bootstrap(): string {
    return this.#bootstrap;
  }

  /** Runs a verb to its end, with what it reads from stdin. */
  async run(args: readonly string[], input?: string): Promise<Shown> {
    const child = this.#spawn(args);
    let output = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < MAX_OUTPUT_CHARS) output += text;
      });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input ?? '');
    const exitCode = await this.#endOf(child, VERB_TIMEOUT_MS);
    return { command: this.#command(args, input), output: output.trimEnd(), exitCode };
  }

  /** Starts a verb that goes on; ended with the stage at the latest. */
  launch(args: readonly string[]): Member {
    const child = this.#spawn(args);
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      if (text.length < MAX_OUTPUT_CHARS) text += more;
    });
    child.stderr!.resume();
    const ended = this.#endOf(child, null);
    return {
      command: this.#command(args),
      lines: () => text.split('\n').slice(0, -1),
      async end(signal) {
        child.kill(signal);
        await ended;
      },
    };
  }

  /** Every record of a topic, by partition and offset, read past the verbs. */
  async records(topic: string): Promise<LogRecord[]> {
    const { topics } = await this.log.describe([topic]);
    const records: LogRecord[] = [];
    for (const { partition } of topics[0]!.partitions) {
      const [end] = await this.log.listOffsets([{ topic, partition, at: 'latest' }]);
      for (let offset = 0; offset < end!; offset = records.at(-1)!.offset + 1)
        records.push(...(await this.log.read({ topic, partition, offset })).records);
    }
    return records;
  }

  /** The answer, once there is one. @throws KitError NOT_QUIET */
  async until<T>(what: string, ask: () => Promise<T | null> | T | null, timeoutMs = 30_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.#closed) throw new KitError('INTERRUPTED', `the tutorial ended before ${what}`);
      const answer = await ask();
      if (answer !== null) return answer;
      if (performance.now() > deadline)
        throw new KitError('NOT_QUIET', `${what} did not come within ${timeoutMs / 1000} s`);
      await delay(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    await this.#opened.disposeAsync();
  }

  #spawn(args: readonly string[]): ChildProcess {
    const main = fileURLToPath(siblingModule('./main', import.meta.url));
    // what the first verb has compiled, the next ones need not: half of their time
    const cache = JSON.stringify(join(this.#directory, 'compiled'));
    const quick = `data:text/javascript,import { enableCompileCache } from 'node:module'; enableCompileCache(${cache});`;
    const child = spawn(process.execPath, ['--import', quick, main, ...args, '--bootstrap', this.#bootstrap]);
    this.#children.add(child);
    child.on('close', () => this.#children.delete(child));
    return child;
  }

  #endOf(child: ChildProcess, timeoutMs: number | null): Promise<number | null> {
    const timer = timeoutMs === null ? null : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (timer !== null) clearTimeout(timer);
        resolve(code);
      });
    });
  }

  #command(args: readonly string[], input?: string): string {
    const verb = ['streamsocial', ...args, '-b', this.#bootstrap].map(quoted).join(' ');
    return input === undefined ? verb : `printf ${quoted(input.replaceAll('\n', '\\n'))} | ${verb}`;
  }
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./:=@,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
