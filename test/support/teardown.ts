/** What a test has opened, closed after it in reverse order, all of it, whatever fails. (`t.after` goes forwards and stops at the first failure.) */
import type { TestContext } from 'node:test';

const stacks = new WeakMap<TestContext, AsyncDisposableStack>();

export function teardown(t: TestContext): AsyncDisposableStack {
  let stack = stacks.get(t);
  if (stack === undefined) {
    stack = new AsyncDisposableStack();
    stacks.set(t, stack);
    t.after(() => stack!.disposeAsync().catch((error) => Promise.reject(allOf(error))));
  }
  return stack;
}

/** A SuppressedError is reported without what it holds. */
function allOf(error: unknown): unknown {
  const errors: unknown[] = [];
  for (let rest = error; ; ) {
    if (!(rest instanceof SuppressedError)) {
      errors.push(rest);
      return errors.length === 1 ? rest : new AggregateError(errors, errors.map(String).join('\n'));
    }
    errors.push(rest.error);
    rest = rest.suppressed;
  }
}
