import { KitError } from '../kit/errors.ts';
import { type ServerPlan, TERM_GRACE_MS } from './commands.ts';
import { type EndedServer, exitReason } from './exit-reason.ts';
import { assertPortFree } from './readiness.ts';
import type { ServerState } from './state.ts';
import { isAlive, type Supervised, supervise, terminate, waitUntil } from './supervisor.ts';

export interface ServerExit extends EndedServer {
  readonly server: string;
  /** Whether this launcher was asked to end it. */
  readonly asked: boolean;
}

export interface ServerEvents {
  /** A process runs, or another one than before. */
  onStarted(): Promise<void>;
  onExit(exit: ServerExit): void;
  /** Whether it can be used: it answers, and a broker is registered. */
  isReady(): Promise<boolean>;
}

/** One server of a launcher: one process at a time. */
export class Server {
  readonly plan: ServerPlan;
  readonly #events: ServerEvents;
  #process: Supervised | null = null;
  #state: ServerState | null = null;
  #starting: Promise<void> | null = null;
  #asked = false;
  #closed = false;

  constructor(plan: ServerPlan, events: ServerEvents) {
    this.plan = plan;
    this.#events = events;
  }

  get name(): string {
    return this.plan.name;
  }

  /** Null when it does not run. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** The process that runs, or the last one. */
  get state(): ServerState | null {
    return this.#state;
  }

  /** Resolves when it is ready; calls at the same time share one start. */
  start(timeoutMs: number): Promise<void> {
    this.#starting ??= this.#start(timeoutMs).finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#running();
    this.#asked = true;
    await terminate(running, signal === 'SIGTERM' ? TERM_GRACE_MS : 0);
    await running.exited;
  }

  pause(): void {
    process.kill(this.#running().pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.#running().pid, 'SIGCONT');
  }

  /** No more starts; its end is asked for. */
  close(): void {
    this.#closed = true;
    this.#asked = true;
  }

  /** For good. */
  async stop(): Promise<void> {
    this.close();
    await this.#process?.stop();
    await this.#starting?.catch(() => {});
  }

  async #start(timeoutMs: number): Promise<void> {
    // Killed from elsewhere, its supervisor's end may not have been heard of yet.
    if (this.#process !== null && !(await isAlive(this.#process))) await this.#process.exited;
    if (this.#process !== null) {
      throw new KitError('SERVER_RUNNING', `${this.name} runs already (pid ${this.#process.pid})`, {
        details: { server: this.name, pid: this.#process.pid },
      });
    }
    for (const port of this.plan.ports) await assertPortFree(port);
    const command = await this.plan.prepare().catch((error) => {
      throw diskFull(this.name, error);
    });
    this.#assertOpen();
    const running = await supervise(command);
    this.#process = running;
    this.#asked = this.#closed;
    const { name, pid, startedAt, logFile } = running;
    const { port, dataDirectory, jolokiaPort } = this.plan;
    const since = new Date().toISOString();
    this.#state = { name, pid, startedAt, logFile, dataDirectory, port, jolokiaPort, since };
    running.exited.then((exitCode) => {
      this.#process = null;
      this.#state = { ...this.#state!, exitCode, endedAt: new Date().toISOString() };
      this.#events.onExit({ server: name, exitCode, asked: this.#asked, logFile, dataDirectory });
    });
    if (this.#closed) await running.stop();
    this.#assertOpen();
    await this.#events.onStarted().catch((error) => {
      throw diskFull(this.name, error);
    });
    await this.#untilReady(running, timeoutMs);
  }

  async #untilReady(running: Supervised, timeoutMs: number): Promise<void> {
    const gone = (): boolean => this.#process !== running;
    const settled = await waitUntil(async () => gone() || (await this.#events.isReady()), timeoutMs, 100);
    if (settled && !gone()) return;
    const { logFile } = running;
    const details = { server: this.name, logFile };
    if (!gone()) {
      throw new KitError(
        'CLUSTER_NOT_READY',
        `${this.name} runs and was not ready within ${timeoutMs / 1000} s; its log: ${logFile}`,
        { retriable: true, details },
      );
    }
    const { code, text, lines } = await exitReason(this.#state!);
    throw new KitError(
      code ?? 'CLUSTER_NOT_READY',
      [`${this.name} did not start: it ${text}`, ...lines, `its log: ${logFile}`].join('\n  '),
      { retriable: code === null || code === 'DISK_FULL', details },
    );
  }

  #running(): Supervised {
    if (this.#process !== null) return this.#process;
    throw notRunning(this.name);
  }

  #assertOpen(): void {
    if (this.#closed) throw new KitError('CLUSTER_STOPPED', 'the cluster was stopped');
  }
}

export function notRunning(name: string): KitError {
  return new KitError(
    'SERVER_NOT_RUNNING',
    `${name} does not run (streamsocial cluster start ${name.replace('kafka-', '')})`,
    {
      details: { server: name },
    },
  );
}

/** The launcher's own writes fail like the server's would. */
function diskFull(server: string, cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && !/No space left on device/.test(message)) return cause;
  return new KitError('DISK_FULL', `the disk is too full to start ${server}: ${message.split('\n')[0]}`, {
    cause,
    retriable: true,
    details: { server },
  });
}
