/**
 * Virtual time. Tasks run one after the other, those of one moment in the order they were set; after each, every promise
 * reaction that it made ready runs before the next. Nothing else in the thread runs meanwhile, so a run depends on its seed only.
 */

/** Whose code a task is: held back while its owner stands still, dropped when it is dead. */
export interface Owner {
  readonly running: boolean;
  hold(task: Task): void;
}

export interface Task {
  atMs: number;
  readonly order: number;
  /** Whose code this is; null for the world outside of the processes. */
  readonly owner: Owner | null;
  readonly callback: () => void;
  cancelled: boolean;
}

/** Bound of one run: what does not end by itself is a finding. */
const MAX_TASKS = 200_000;

export class Scheduler {
  /** Milliseconds since the start of the run. */
  nowMs = 0;
  /** Whose task is running, with everything that follows from it before the next task. */
  current: Owner | null = null;
  tasks = 0;
  readonly #heap: Task[] = [];
  /** Called with what a task, or anything that has no caller to tell, threw. */
  readonly fail: (error: unknown) => void;
  #order = 0;
  #stopped = false;
  #finish: () => void = () => {};

  constructor(fail: (error: unknown) => void) {
    this.fail = fail;
  }

  after(delayMs: number, owner: Owner | null, callback: () => void): Task {
    const atMs = this.nowMs + Math.max(0, delayMs);
    const task = { atMs, order: this.#order++, owner, callback, cancelled: false };
    this.#push(task);
    return task;
  }

  /** For a task that was held back: it falls due now if its time has passed, before what was set after it. */
  add(task: Task): void {
    task.atMs = Math.max(task.atMs, this.nowMs);
    this.#push(task);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves after `stop`, or when there is nothing left to do. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      process.nextTick(this.#step);
    });
  }

  readonly #step = (): void => {
    const task = this.#stopped ? undefined : this.#next();
    if (task === undefined) {
      this.current = null;
      this.#finish();
      return;
    }
    this.nowMs = task.atMs;
    this.current = task.owner;
    try {
      if (++this.tasks > MAX_TASKS) throw new Error(`${MAX_TASKS} tasks and no end`);
      task.callback();
    } catch (error) {
      this.fail(error);
    }
    queueMicrotask(this.#whenDrained);
  };

  /** Node begins a tick only when no microtask is left: no turn of the event loop is needed to get there. */
  readonly #whenDrained = (): void => process.nextTick(this.#step);

  #next(): Task | undefined {
    for (let task = this.#pop(); task !== undefined; task = this.#pop()) {
      if (task.cancelled) continue;
      const { owner } = task;
      if (owner === null || owner.running) return task;
      owner.hold(task);
    }
    return undefined;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(task);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(heap[parent]!, task)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = task;
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
