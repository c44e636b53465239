/** What this process would see if someone set the machine's clock; timers and the monotonic clock go on. Jumps add up. */
export function jumpClock(byMs: number): void {
  const Before = Date;
  class Jumped extends Before {
    constructor(...given: [] | [value: number | string | Date]) {
      // the constructor has more forms than can be told apart by type; all of them are handed on as they are
      if (given.length === 0) super(Before.now() + byMs);
      else super(...given);
    }

    static override now(): number {
      return Before.now() + byMs;
    }
  }
  globalThis.Date = Jumped as DateConstructor;
}
