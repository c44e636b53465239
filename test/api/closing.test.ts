import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Fastify from 'fastify';
import { Closing } from '../../src/api/closing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('an answer that was waited for is not kept until the server closes', async () => {
  const closing = new Closing(Fastify());
  const answers: WeakRef<object>[] = [];
  for (let n = 0; n < 100; n++) answers.push(new WeakRef(await closing.orClosing(Promise.resolve({ n }))));
  await nextTurn();
  collect();
  const kept = answers.filter((answer) => answer.deref() !== undefined);
  assert.ok(kept.length <= 1, `${kept.length} of ${answers.length} are kept`);
});

test('waits end when the server closes, and none begins afterwards', async () => {
  const app = Fastify();
  const closing = new Closing(app);
  const waits = Array.from({ length: 50 }, () => closing.orClosing(new Promise(() => {})));
  const told = Promise.all(waits.map((wait) => assert.rejects(wait, { code: 'SHUTTING_DOWN' })));
  await app.close();
  await told;
  await assert.rejects(closing.orClosing(new Promise(() => {})), { code: 'SHUTTING_DOWN' });
});
