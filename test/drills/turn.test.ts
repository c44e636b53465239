import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { takeTurn } from '../../src/drills/turn.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;

async function turnFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-turn-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'turn.json');
}

test('a second drill says whom it waits for, and begins when the first one has ended', async (t) => {
  const file = await turnFile(t);
  const end = await takeTurn(never, () => {}, file);
  const told: string[] = [];
  let begun = false;
  const second = takeTurn(
    never,
    (text) => {
      told.push(text);
    },
    file,
  ).then((endSecond) => {
    begun = true;
    return endSecond;
  });
  await until(() => told.length > 0, { timeoutMs: 5_000, what: 'the message' });
  assert.match(told[0]!, new RegExp(`process ${process.pid} `));
  assert.equal(begun, false);
  await end();
  await (await second)();
});

test('a process that is gone holds nobody up', async (t) => {
  const file = await turnFile(t);
  await writeFile(file, JSON.stringify({ name: 'drill', pid: process.pid, startedAt: 'long ago' }));
  await (await takeTurn(never, () => {}, file))();
});

test('waiting can be stopped', async (t) => {
  const file = await turnFile(t);
  await takeTurn(never, () => {}, file);
  const stop = new AbortController();
  const waiting = takeTurn(stop.signal, () => stop.abort(new Error('enough')), file);
  await assert.rejects(waiting);
});
