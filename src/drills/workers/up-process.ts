/** `streamsocial up`, as a user starts it, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KitError } from '../../kit/errors.ts';
import { siblingModule } from '../../kit/sibling-module.ts';
import { monotonicMs } from '../history/history.ts';
import { HEAP_FLAGS } from './worker-process.ts';

export interface UpSpec {
  readonly name: string;
  /** Its data directory; created. */
  readonly directory: string;
  /** Null: embedded, with its files in the data directory. */
  readonly kafka: {
    readonly bootstrap: readonly string[];
    readonly redis: { readonly host: string; readonly port: number };
  } | null;
  readonly groupId: string;
}

const MAIN = fileURLToPath(siblingModule('../../cli/main', import.meta.url));
const READY_MS = 60_000;
const POLL_MS = 50;
const MAX_OUTPUT = 16_384;

export class UpProcess {
  readonly name: string;
  readonly pid: number;
  /** Where it listens. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  /** Resolves once it listens. @throws KitError WORKER_FAILED */
  static async start(spec: UpSpec): Promise<UpProcess> {
    const { name, directory, kafka, groupId } = spec;
    mkdirSync(directory, { recursive: true });
    const args = [
      ...['up', '--no-demo', '--data-dir', directory, '--web-port', '0', '--broker-port', '0', '--group-id', groupId],
      ...(kafka === null ? [] : kafkaFlags(kafka)),
    ];
    // neither settings of the user's environment nor of a file; it ends when its IPC channel does
    const child = spawn(process.execPath, [...HEAP_FLAGS, MAIN, ...args], {
      cwd: directory,
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let output = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT);
    });
    const exited = new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', resolve);
    });
    const url = await listening(child, join(directory, 'server.json'));
    if (url !== null) return new UpProcess(name, child, exited, url);
    child.kill('SIGKILL');
    await exited;
    throw new KitError('WORKER_FAILED', `${name} does not listen: ${output.trim()}`, { details: { worker: name } });
  }

  private constructor(name: string, child: ChildProcess, exited: Promise<number | null>, url: string) {
    this.name = name;
    this.pid = child.pid!;
    this.url = url;
    this.#child = child;
    this.#exited = exited;
  }

  /** SIGTERM; the exit code (null after a signal), and how long that took. */
  async end(): Promise<{ readonly code: number | null; readonly tookMs: number }> {
    const askedMs = monotonicMs();
    this.#child.kill('SIGTERM');
    const code = await this.#exited;
    return { code, tookMs: monotonicMs() - askedMs };
  }

  /** SIGKILL; resolves when it is gone. Repeated calls are harmless. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function kafkaFlags({ bootstrap, redis }: NonNullable<UpSpec['kafka']>): string[] {
  const where = ['--redis-host', redis.host, '--redis-port', String(redis.port)];
  return ['--log', 'kafka', '-b', bootstrap.join(','), ...where];
}

/** Null when it ended before, or took too long. */
async function listening(child: ChildProcess, file: string): Promise<string | null> {
  for (const endMs = monotonicMs() + READY_MS; monotonicMs() < endMs; await delay(POLL_MS)) {
    if (child.exitCode !== null || child.signalCode !== null) return null;
    try {
      return (JSON.parse(readFileSync(file, 'utf8')) as { url: string }).url;
    } catch {
      // it has not announced itself yet
    }
  }
  return null;
}
