/** The parent's side of a drill's processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KitError } from '../../kit/errors.ts';
import { siblingModule } from '../../kit/sibling-module.ts';
import { monotonicMs } from '../history/history.ts';
import type { Command, ConsumerProgress, LoadProgress, Report, WorkerSpec } from './worker-spec.ts';

const MAIN = fileURLToPath(siblingModule('./worker-main', import.meta.url));
/** As bin/node24.mjs starts the product. */
export const HEAP_FLAGS = ['--max-old-space-size=288', '--max-semi-space-size=16'];
const READY_MS = 60_000;
/** Longer than a producer goes on trying (`deliveryTimeoutMs`). */
const FINISH_MS = 130_000;
const MAX_STDERR = 16_384;

/** A load or a consumer in a process of its own. */
export class WorkerProcess<P extends LoadProgress | ConsumerProgress> {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended, however. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #finished = Promise.withResolvers<unknown>();
  #ready = Promise.withResolvers<void>();
  #progress: P | null = null;
  #progressAtMs = 0;
  #expectedToEnd = false;
  #ended = false;
  #error = '';

  /**
   * Resolves once the worker is connected and, if it is a consumer, has its partitions.
   *
   * @param env on top of this process's own
   * @throws KitError WORKER_FAILED
   */
  static async start<P extends LoadProgress | ConsumerProgress>(
    spec: WorkerSpec,
    env: Readonly<Record<string, string>> = {},
  ): Promise<WorkerProcess<P>> {
    const worker = new WorkerProcess<P>(spec, env);
    const timer = setTimeout(() => worker.#ready.reject(worker.#failure('was not ready in time')), READY_MS);
    try {
      await worker.#ready.promise;
    } catch (error) {
      await worker.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return worker;
  }

  private constructor(spec: WorkerSpec, env: Readonly<Record<string, string>>) {
    this.name = spec.name;
    const node = [process.execPath, ...HEAP_FLAGS, MAIN, JSON.stringify(spec)];
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const [command, ...args] = variables.length === 0 ? node : ['env', ...variables, ...node];
    this.#child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.pid = this.#child.pid ?? -1;
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#error = (this.#error + text).slice(-MAX_STDERR);
    });
    this.#child.on('message', (report: Report) => this.#hear(report));
    this.#ready.promise.catch(() => {});
    this.#finished.promise.catch(() => {});
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#error += String(cause);
        resolve({ code: null, signal: null });
      });
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    void this.exited.then(({ code, signal }) => {
      this.#ended = true;
      const failure = this.#failure(`ended (${signal ?? code})`);
      this.#ready.reject(failure);
      this.#finished.reject(failure);
    });
  }

  /** As last heard, a fifth of a second ago at most while the process is well; null before the first time. */
  get progress(): P | null {
    return this.#progress;
  }

  get running(): boolean {
    return !this.#ended;
  }

  /** Monotonic milliseconds of `progress`. */
  get progressAtMs(): number {
    return this.#progressAtMs;
  }

  /** What went wrong, if this process has ended and nobody asked it to. */
  get unexpectedEnd(): KitError | null {
    return this.#ended && !this.#expectedToEnd ? this.#failure('ended by itself') : null;
  }

  send(command: Command): void {
    if (this.#child.connected) this.#child.send(command);
  }

  /** Ends in order; the answer is its last progress. @throws KitError WORKER_FAILED, also after `timeoutMs` */
  async finish(timeoutMs = FINISH_MS): Promise<P> {
    this.#expectedToEnd = true;
    this.send({ do: 'finish' });
    const timer = setTimeout(
      () => this.#finished.reject(this.#failure(`did not finish within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    try {
      const progress = (await this.#finished.promise) as P;
      await this.exited;
      return progress;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#expectedToEnd = true;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  #hear(report: Report): void {
    if (report.is === 'ready') this.#ready.resolve();
    else if (report.is === 'failed') {
      this.#error = report.error;
    } else {
      this.#progress = report.progress as P;
      this.#progressAtMs = monotonicMs();
      if (report.is === 'finished') this.#finished.resolve(this.#progress);
    }
  }

  #failure(what: string): KitError {
    const why = this.#error === '' ? '' : `: ${this.#error.trim()}`;
    return new KitError('WORKER_FAILED', `${this.name} ${what}${why}`, { details: { worker: this.name } });
  }
}
