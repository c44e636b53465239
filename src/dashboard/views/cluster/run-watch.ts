/** Follows a run: asks for what is new of its course twice a second, while anybody looks and until it has ended. */
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { DrillRun } from '../../../api/drills.ts';
import { asProblem, get, type Problem } from '../../http.ts';
import { isLost } from '../../live.ts';
import { visible } from '../../visible.ts';
import { askFrom, type Course, merged, NO_COURSE } from './run-model.ts';

const EVERY_MS = 500;

export interface WatchedRun {
  readonly run: DrillRun | null;
  readonly course: Course;
  readonly problem: Problem | null;
}

export function watchRun(id: string): {
  readonly state: ReadonlySignal<WatchedRun>;
  /** Asks at once. */
  again(): void;
  stop(): void;
} {
  const state = signal<WatchedRun>({ run: null, course: NO_COURSE, problem: null });
  const turn = signal(0);
  const stop = effect(() => {
    turn.value;
    if (!visible.value || isLost.value) return;
    const ending = new AbortController();
    void follow(id, state, ending.signal);
    return () => ending.abort();
  });
  return { state, again: () => void turn.value++, stop };
}

async function follow(
  id: string,
  state: { value: WatchedRun; peek(): WatchedRun },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { run: before, course } = state.peek();
    // once it has ended, it is asked for the whole course once more: as its report has it
    const isOver = before !== null && before.ended_at !== null;
    const from = isOver ? 0 : askFrom(course);
    try {
      const run = await get<DrillRun>(`/api/v1/drills/runs/${encodeURIComponent(id)}?from_bucket=${from}`, { signal });
      state.value = { run, course: merged(from === 0 ? NO_COURSE : course, run.timeline), problem: null };
      if (isOver) return;
      if (run.ended_at !== null) continue;
    } catch (error) {
      if (signal.aborted) return;
      const problem = asProblem(error);
      state.value = { ...state.peek(), problem };
      if (problem.status === 404) return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, EVERY_MS);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
