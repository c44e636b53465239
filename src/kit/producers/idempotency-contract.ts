/** What an IdempotencyStore has to do over every table, as a suite for node:test. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Clock } from '../clock.ts';
import { isKitError } from '../errors.ts';
import type { IdempotencyBounds, IdempotencyOptions, IdempotencyStore } from './idempotency-store.ts';

export type OpenIdempotencyStore = (
  options: { bounds?: IdempotencyBounds } & IdempotencyOptions,
) => Promise<IdempotencyStore>;

/** A fresh, empty place for one test, opened as often as the test likes; undefined when the test was skipped. */
export type IdempotencyFixture = (t: TestContext) => Promise<OpenIdempotencyStore | undefined>;

/** Time stands still unless moved; delays never end, so that only `flush` and `close` write. */
class StillClock implements Clock {
  time = 1_000_000;
  now(): number {
    return this.time;
  }
  after(): () => void {
    return () => undefined;
  }
}

export function idempotencyStoreContract(name: string, fixture: IdempotencyFixture): void {
  const test = (
    title: string,
    body: (
      open: (options?: Parameters<OpenIdempotencyStore>[0]) => Promise<IdempotencyStore>,
      clock: StillClock,
    ) => Promise<void>,
  ) =>
    it(title, async (t) => {
      const place = await fixture(t);
      if (place === undefined) return;
      const clock = new StillClock();
      const opened: IdempotencyStore[] = [];
      try {
        await body(async (options = {}) => {
          const store = await place({ clock, ...options });
          opened.push(store);
          return store;
        }, clock);
      } finally {
        for (const store of opened) await store.close();
      }
    });

  const known = (answer: string) => ({ status: 'known', answer });
  const fresh = { status: 'new' };
  const conflict = { status: 'conflict' };

  describe(`${name}: idempotency store contract`, () => {
    test('a key is new once, then known with its answer, also before it is written and after reopening', async (open) => {
      const store = await open();
      assert.deepEqual(await store.begin('k', 'hash'), fresh);
      store.complete('k', '{"offset":7,"text":"é \u{1F600}"}');
      assert.deepEqual(await store.begin('k', 'hash'), known('{"offset":7,"text":"é \u{1F600}"}'));
      await store.flush();
      assert.deepEqual(await store.begin('k', 'hash'), known('{"offset":7,"text":"é \u{1F600}"}'));
      assert.deepEqual(await store.begin('other', 'hash'), fresh);
      store.complete('other', 'not flushed');
      await store.close();
      const reopened = await open();
      assert.deepEqual(await reopened.begin('k', 'hash'), known('{"offset":7,"text":"é \u{1F600}"}'));
      assert.deepEqual(await reopened.begin('other', 'hash'), known('not flushed'));
    });

    test('another body is a conflict: under way, unwritten and written', async (open) => {
      const store = await open();
      await store.begin('k', 'one');
      assert.deepEqual(await store.begin('k', 'two'), conflict);
      store.complete('k', 'answer');
      assert.deepEqual(await store.begin('k', 'two'), conflict);
      await store.flush();
      assert.deepEqual(await store.begin('k', 'two'), conflict);
      assert.deepEqual(
        await store.beginMany([
          { key: 'k', bodyHash: 'two' },
          { key: 'k', bodyHash: 'one' },
        ]),
        [conflict, known('answer')],
      );
    });

    test('of many at the same time one is new, and the others get its answer', async (open) => {
      const store = await open();
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => store.begin('k', 'hash')));
      assert.equal(outcomes.filter(({ status }) => status === 'new').length, 1);
      const waiting = outcomes.flatMap((outcome) => (outcome.status === 'pending' ? outcome.wait : []));
      assert.equal(waiting.length, 49);
      store.complete('k', 'answer');
      assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['answer']));
    });

    test('those that wait for an abandoned one begin again, and one of them is new', async (open) => {
      const store = await open();
      await store.begin('k', 'hash');
      const outcome = await store.begin('k', 'hash');
      assert.equal(outcome.status, 'pending');
      store.abandon('k');
      assert.equal(outcome.status === 'pending' && (await outcome.wait), null);
      const again = await Promise.all([store.begin('k', 'hash'), store.begin('k', 'hash')]);
      assert.deepEqual(again.map(({ status }) => status).sort(), ['new', 'pending']);
      assert.throws(
        () => store.abandon('none'),
        (error) => isKitError(error, 'IDEMPOTENCY_NOT_BEGUN'),
      );
    });

    test('500 at a time, in order, with repeats among them and from before', async (open) => {
      const store = await open();
      const requests = Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, bodyHash: `h${n}` }));
      await store.beginMany(requests.slice(0, 100));
      store.completeMany(requests.slice(0, 100).map(({ key }) => ({ key, answer: `first ${key}` })));
      await store.flush();
      const outcomes = await store.beginMany([...requests, requests[400]!]);
      assert.deepEqual(
        outcomes.slice(0, 100),
        requests.slice(0, 100).map(({ key }) => known(`first ${key}`)),
      );
      assert.ok(outcomes.slice(100, 500).every(({ status }) => status === 'new'));
      assert.equal(outcomes[500]!.status, 'pending');
      store.completeMany(requests.slice(100).map(({ key }) => ({ key, answer: `second ${key}` })));
      await store.close();
      const again = await (await open()).beginMany(requests);
      assert.deepEqual(again[99], known('first k99'));
      assert.deepEqual(again[499], known('second k499'));
    });

    test('an answer is forgotten when its time is over', async (open, clock) => {
      const store = await open({ bounds: { windowMs: 100, maxEntries: 1_000 } });
      await store.begin('k', 'hash');
      store.complete('k', 'first');
      await store.flush();
      clock.time += 99;
      assert.deepEqual(await store.begin('k', 'hash'), known('first'));
      clock.time += 1;
      assert.deepEqual(await store.begin('k', 'another'), fresh);
      store.complete('k', 'second');
      await store.flush();
      assert.deepEqual(await store.begin('k', 'another'), known('second'));
    });

    test('over the cap the oldest answers go first', async (open, clock) => {
      const store = await open({ bounds: { windowMs: 1_000_000, maxEntries: 20 } });
      for (let n = 0; n < 50; n++) {
        clock.time++;
        await store.begin(`k${n}`, 'hash');
        store.complete(`k${n}`, `${n}`);
        if (n % 7 === 0) await store.flush();
      }
      await store.flush();
      const outcomes = await store.beginMany(
        Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, bodyHash: 'hash' })),
      );
      assert.deepEqual(
        outcomes.map(({ status }) => status === 'known'),
        Array.from({ length: 50 }, (_, n) => n >= 30),
      );
    });

    test('what is held in memory is bounded, and closing ends it', async (open) => {
      const store = await open({ maxHeld: 3 });
      for (const key of ['a', 'b', 'c']) await store.begin(key, 'hash');
      const overloaded = (error: unknown) => isKitError(error, 'IDEMPOTENCY_OVERLOADED') && error.retriable;
      await assert.rejects(store.begin('d', 'hash'), overloaded);
      const waiting = await store.begin('a', 'hash');
      store.complete('b', 'answer');
      await store.flush();
      assert.deepEqual(await store.begin('d', 'hash'), fresh);
      await store.close();
      await store.close();
      assert.equal(waiting.status === 'pending' && (await waiting.wait), null);
      await assert.rejects(store.begin('e', 'hash'), (error) => isKitError(error, 'IDEMPOTENCY_CLOSED'));
    });
  });
}
