import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  isAlive,
  isPaused,
  type ServerCommand,
  type Supervised,
  startTime,
  supervise,
  terminate,
  waitUntil,
} from '../../src/cluster/supervisor.ts';

const SUPERVISOR_MODULE = new URL('../../src/cluster/supervisor.ts', import.meta.url).href;

describe('supervisor', { skip: process.platform === 'win32' && 'needs a POSIX shell' }, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-supervisor-'));
  });
  after(async () => {
    // One that a failed test left behind would keep this process alive.
    await Promise.all(started.map((left) => left.stop()));
    await rm(directory, { recursive: true, force: true });
  });

  const started: Supervised[] = [];
  const begin = async (command: ServerCommand): Promise<Supervised> => {
    const supervised = await supervise(command);
    started.push(supervised);
    return supervised;
  };
  /** Its log comes into being a moment after its pid is known. */
  const untilUp = async ({ logFile }: { logFile: string }): Promise<void> => {
    const text = () => readFile(logFile, 'utf8').catch(() => '');
    assert.ok(await waitUntil(async () => (await text()) === 'up\n', 20_000));
  };

  const server = (name: string, script: string, graceS = 5) => ({
    name,
    command: process.execPath,
    args: ['-e', script],
    directory,
    logFile: join(directory, `${name}.log`),
    graceS,
  });

  test('runs the command with its output in the log, and ends it when asked', async () => {
    const polite = await begin(
      server('polite', "console.log('up'); process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000);"),
    );
    assert.ok(await isAlive(polite));
    await untilUp(polite);
    await Promise.all([polite.stop(), polite.stop()]);
    assert.equal(await polite.exited, 7);
    assert.equal(await startTime(polite.pid), undefined);
  });

  test('kills what does not end in its time of grace', async () => {
    const stubborn = await begin(
      server('stubborn', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);", 1),
    );
    await untilUp(stubborn);
    await stubborn.stop();
    assert.equal(await startTime(stubborn.pid), undefined);
  });

  test('says when the command ends by itself', async () => {
    assert.equal(await (await begin(server('short', 'process.exit(3)'))).exited, 3);
  });

  test('ends a paused command in order', async () => {
    const paused = await begin(
      server('paused', "process.on('SIGTERM', () => process.exit(7)); console.log('up'); setInterval(() => {}, 1000);"),
    );
    await untilUp(paused);
    process.kill(paused.pid, 'SIGSTOP');
    assert.ok(await waitUntil(() => isPaused(paused), 5_000));
    await paused.stop();
    assert.equal(await paused.exited, 7);
  });

  for (const state of ['running', 'paused'] as const) {
    test(`a ${state} command outlives its launcher by no more than a moment, however the launcher dies`, async () => {
      const launcher = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const { supervise } = await import(${JSON.stringify(SUPERVISOR_MODULE)});
           const command = ${JSON.stringify(server(`orphan-${state}`, "console.log('up'); setInterval(() => {}, 1000)"))};
           const { pid, startedAt, logFile } = await supervise(command);
           console.log(JSON.stringify({ name: 'orphan', pid, startedAt, logFile }));`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const orphan = JSON.parse(String((await once(launcher.stdout, 'data'))[0]));
      await untilUp(orphan);
      assert.ok(await isAlive(orphan));
      if (state === 'paused') process.kill(orphan.pid, 'SIGSTOP');
      launcher.kill('SIGKILL');
      assert.ok(await waitUntil(async () => !(await isAlive(orphan)), 5_000));
    });
  }

  test('a process that only has the same pid is left alone', async () => {
    const bystander = await begin(server('bystander', 'setInterval(() => {}, 1000)'));
    const { name, pid } = bystander;
    await terminate({ name, pid, startedAt: 'another time' }, 1_000);
    assert.ok(await isAlive(bystander));
    await terminate(bystander, 5_000);
    assert.ok(!(await isAlive(bystander)));
    await bystander.exited;
  });
});
