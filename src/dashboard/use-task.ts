import { type Signal, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { asProblem, type Problem } from './http.ts';

export interface Task {
  /** Something that was begun here has not ended. */
  readonly busy: Signal<boolean>;
  /** What went wrong last time; null once it is tried again. */
  readonly problem: Signal<Problem | null>;
  /** Never rejects: what goes wrong is in `problem`. */
  readonly run: (work: () => Promise<unknown>) => Promise<void>;
}

/** What a button does: it is busy meanwhile, and says what went wrong. */
export function useTask(): Task {
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  return useMemo(() => {
    const run = async (work: () => Promise<unknown>): Promise<void> => {
      busy.value = true;
      problem.value = null;
      try {
        await work();
      } catch (error) {
        problem.value = asProblem(error);
      } finally {
        busy.value = false;
      }
    };
    return { busy, problem, run };
  }, [busy, problem]);
}
