/** The command line as a user runs it: real processes, a data directory of their own, ended whatever the test does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Server {
  readonly url: string;
  readonly process: ChildProcess;
  output(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function dataDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function start(args: readonly string[], stdio: 'pipe' | 'ignore' = 'ignore'): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    stdio: [stdio, 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return output;
}

/** Runs one verb to its end. */
export async function run(args: readonly string[], input?: string): Promise<Finished> {
  const child = start(args, input === undefined ? 'ignore' : 'pipe');
  const output = collect(child);
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...output };
}

/** A verb that goes on until it is ended. */
export function launch(
  t: TestContext,
  args: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<number | null>; output(): string } {
  const child = start(args);
  const output = collect(child);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  t.after(() => child.kill('SIGKILL'));
  return { child, ended, output: () => output.stdout + output.stderr };
}

/** `streamsocial up` on a free port; ready when this resolves. */
export async function up(t: TestContext, directory: string, args: readonly string[] = []): Promise<Server> {
  const child = start(['up', '--web-port', '0', '--broker-port', '0', '--data-dir', directory, ...args]);
  const output = collect(child);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}: ${output.stderr}`);
      const server = JSON.parse(await readFile(join(directory, 'server.json'), 'utf8').catch(() => 'null')) as {
        url: string;
        pid: number;
      } | null;
      return server !== null && server.pid === child.pid && server.url;
    },
    { timeoutMs: 60_000, what: 'streamsocial up' },
  );
  return {
    url,
    process: child,
    output: () => output.stdout + output.stderr,
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** The consumer has reached the log's end and nothing is parked. */
export async function untilQuiet(url: string): Promise<void> {
  await until(
    async () => {
      const { lag, parked, partitions } = await getJson<{ lag: number; parked: number; partitions: unknown[] }>(
        `${url}/api/v1/metrics/consumer`,
      );
      return partitions.length > 0 && lag === 0 && parked === 0;
    },
    { timeoutMs: 120_000, everyMs: 200, what: 'a quiet moment' },
  );
}
