/** Programs that others wrote, as a user runs them: output collected, time bounded, ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { until } from './until.ts';

/** A test, or a suite's `before`. */
export interface Scope {
  after(fn: () => Promise<unknown>): void;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly ended: Promise<Ended>;
  /** Of standard output so far, whole ones only. */
  lines(): readonly string[];
  /** Both streams so far, for the messages of failed checks. */
  output(): string;
  /** To its standard input. */
  write(text: string): void;
  closeInput(): void;
  end(signal: NodeJS.Signals): Promise<Ended>;
}

export interface RunOptions {
  readonly input?: string;
  /** Default 120,000. */
  readonly timeoutMs?: number;
  /** The exit code to expect; null takes any. Default 0. */
  readonly code?: number | null;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Goes on until it ends by itself or the test does. */
export function launch(scope: Scope, command: string, args: readonly string[]): Program {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  alive.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that has ended takes no more input.
  child.stdin.on('error', () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      alive.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  ended.catch(() => {});
  const end = (signal: NodeJS.Signals): Promise<Ended> => {
    child.kill(signal);
    return ended;
  };
  scope.after(() => end('SIGKILL').catch(() => {}));
  return {
    ended,
    lines: () => stdout.split('\n').slice(0, -1),
    output: () => `${stdout}\n${stderr}`,
    write: (text) => void child.stdin.write(text),
    closeInput: () => void child.stdin.end(),
    end,
  };
}

/** To its end. @throws Error with its output, when it takes too long or ends with another code */
export async function run(
  scope: Scope,
  command: string,
  args: readonly string[],
  { input = '', timeoutMs = 120_000, code = 0 }: RunOptions = {},
): Promise<Ended> {
  const program = launch(scope, command, args);
  program.write(input);
  program.closeInput();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void program.end('SIGKILL');
  }, timeoutMs);
  const ended = await program.ended.finally(() => clearTimeout(timer));
  if (late || (code !== null && ended.code !== code)) {
    const how = late ? `took more than ${timeoutMs} ms` : `ended with ${ended.code ?? ended.signal}, not ${code}`;
    throw new Error(`${command} ${args.join(' ')} ${how}:\n${program.output()}`);
  }
  return ended;
}

/** As `until`, for what programs have to come to: on a busy machine a JVM alone takes seconds to start. */
export function patiently<T>(ask: Parameters<typeof until<T>>[0], options: { what?: string } = {}): Promise<T> {
  return until(ask, { timeoutMs: 60_000, everyMs: 50, ...options });
}
