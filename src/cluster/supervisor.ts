import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * A shell between the launcher and each server. Its standard input is a pipe that the launcher holds open and never
 * writes to: when it ends, by `stop` or because the launcher is gone however it died, the server gets TERM and, after
 * GRACE seconds, KILL. Being the server's parent, the shell can never signal a reused pid. It prints the server's pid.
 *
 * $1 log file, $2 grace in seconds, then the command. The trap keeps a signal to the shell's group from ending it before the
 * server. CONT lets a paused server receive the TERM.
 */
const SUPERVISOR = `
log=$1; grace=$2; shift 2
trap : INT TERM HUP
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
echo "$child"
(
  while read -r _; do :; done
  kill -TERM "$child"
  kill -CONT "$child"
  left=$((grace * 10))
  while [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
  kill -KILL "$child"
) <&3 >/dev/null 2>&1 &
watch=$!
exec 3<&- >/dev/null
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
kill -KILL "$watch" 2>/dev/null
exit "$code"
`;

/** What the kernel may need to take a killed process down. */
const KILL_MS = 5_000;

/** A process that is surely still the same one: pids are reused, a start time with a pid is not. */
export interface ProcessIdentity {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
}

export interface Supervised extends ProcessIdentity {
  readonly logFile: string;
  /** Resolves with the exit code (null after a signal to the shell). Never rejects. */
  readonly exited: Promise<number | null>;
  /** Asks to end, then insists; resolves when the process is gone. Repeated calls are harmless. */
  stop(): Promise<void>;
}

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly logFile: string;
  /** Between TERM and KILL. */
  readonly graceS: number;
}

export async function supervise(server: ServerCommand): Promise<Supervised> {
  const shell = spawn(
    'sh',
    ['-c', SUPERVISOR, 'supervisor', server.logFile, String(server.graceS), server.command, ...server.args],
    // In a group of its own: a terminal's Ctrl-C is the launcher's business.
    { cwd: server.directory, stdio: ['pipe', 'pipe', 'ignore'], detached: true },
  );
  const exited = new Promise<number | null>((resolve) => {
    shell.once('exit', (code) => resolve(code));
    shell.once('error', () => resolve(null));
  });
  shell.stdin.on('error', () => {});
  const pid = await firstNumber(shell, exited);
  return {
    name: server.name,
    pid,
    startedAt: (await startTime(pid)) ?? '',
    logFile: server.logFile,
    exited,
    async stop() {
      shell.stdin.end();
      await exited;
    },
  };
}

async function firstNumber(shell: ChildProcess, exited: Promise<unknown>): Promise<number> {
  const chunk = once(shell.stdout!, 'data').then(([data]) => Number.parseInt(String(data), 10));
  return Promise.race([chunk, exited.then(() => Number.NaN)]);
}

/** When the kernel started this process, as an opaque text; undefined when there is none of that pid. */
export async function startTime(pid: number): Promise<string | undefined> {
  return (await processStatus(pid))?.startedAt;
}

/** Stopped by SIGSTOP. */
export async function isPaused(identity: ProcessIdentity): Promise<boolean> {
  const status = await processStatus(identity.pid);
  return status?.startedAt === identity.startedAt && status.paused;
}

async function processStatus(pid: number): Promise<{ startedAt: string; paused: boolean } | undefined> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // Fields 3 and 22 of proc(5); the command name before them may hold spaces, so count from its closing bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    return startedAt === undefined || state === 'Z' ? undefined : { startedAt, paused: state === 'T' };
  }
  const ask = promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
  const { stdout } = await ask.catch(() => ({ stdout: '' }));
  const [state = '', ...startedAt] = stdout.trim().split(/\s+/);
  return state === '' || state.startsWith('Z')
    ? undefined
    : { startedAt: startedAt.join(' '), paused: state.startsWith('T') };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTime(identity.pid)) === identity.startedAt;
}

/** TERM, then KILL after `graceMs` (0: at once); resolves when it is gone. A process that only has the same pid is left alone. */
export async function terminate(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const gone = async (): Promise<boolean> => !(await isAlive(identity));
  if (graceMs > 0) {
    await signal(identity, 'SIGTERM');
    // A paused process does not see the TERM before this.
    await signal(identity, 'SIGCONT');
    if (await waitUntil(gone, graceMs)) return;
  }
  await signal(identity, 'SIGKILL');
  await waitUntil(gone, KILL_MS);
}

/** Answers false when this process is gone; one that only has the same pid is left alone. */
export async function signal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

export async function waitUntil(condition: () => Promise<boolean>, limitMs: number, everyMs = 50): Promise<boolean> {
  const end = Date.now() + limitMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
