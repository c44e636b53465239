import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shared } from '../../../src/kit/monitoring/shared.ts';

function counted() {
  const calls: PromiseWithResolvers<number>[] = [];
  let now = 0;
  const ask = shared(
    () => {
      const call = Promise.withResolvers<number>();
      calls.push(call);
      return call.promise;
    },
    1_000,
    () => now,
  );
  return {
    ask,
    calls,
    pass(ms: number) {
      now += ms;
    },
  };
}

describe('a shared call', () => {
  test('serves all who ask meanwhile, and until it is too old', async () => {
    const { ask, calls, pass } = counted();
    const both = [ask(), ask()];
    calls[0]!.resolve(1);
    assert.deepEqual(await Promise.all(both), [1, 1]);
    pass(999);
    assert.equal(await ask(), 1);
    pass(1);
    const later = ask();
    calls[1]!.resolve(2);
    assert.equal(await later, 2);
    assert.equal(calls.length, 2);
  });

  test('a failure is not kept', async () => {
    const { ask, calls } = counted();
    const first = ask();
    calls[0]!.reject(new Error('no'));
    await assert.rejects(first);
    const second = ask();
    calls[1]!.resolve(2);
    assert.equal(await second, 2);
  });

  test('what is forgotten is asked for again at once', async () => {
    const { ask, calls } = counted();
    const first = ask();
    calls[0]!.resolve(1);
    await first;
    ask.forget();
    const second = ask();
    calls[1]!.resolve(2);
    assert.equal(await second, 2);
    assert.equal(await ask(), 2, 'and then it is kept');
  });

  test('who asks after it was forgotten does not get what was begun before, and there are never two calls at a time', async () => {
    const { ask, calls } = counted();
    const before = ask();
    // as a loop does that asks again as soon as it has its answer
    const loop = before.then(() => ask());
    ask.forget();
    const after = [ask(), ask()];
    assert.equal(calls.length, 1);
    calls[0]!.resolve(1);
    assert.equal(await before, 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls.length, 2);
    calls[1]!.resolve(2);
    assert.deepEqual(await Promise.all([...after, loop]), [2, 2, 2]);
    assert.equal(calls.length, 2);
  });
});
