/** What a view asks the API for: loaded, kept up to date while it is looked at, given up when it is not. */
import { signal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { asProblem, get, type Problem } from './http.ts';
import { isLost } from './live.ts';
import { visible } from './visible.ts';

export interface Resource<T> {
  /** Null before the first answer. Kept, and old, when a later request fails. */
  readonly data: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
  /** When `data` came, by this machine's clock; 0 before. */
  readonly atMs: number;
  reload(): void;
}

export interface ResourceOptions {
  /** Asks again so long after each answer, while the page is visible. Without it: once, and when the connection is back. */
  readonly everyMs?: number;
}

interface State<T> {
  readonly path: string | null;
  readonly data: T | null;
  readonly problem: Problem | null;
  readonly loading: boolean;
  readonly atMs: number;
}

/** @param path null: nothing is asked for. Another path drops what was there and stops a request that is under way. */
export function useResource<T>(path: string | null, { everyMs }: ResourceOptions = {}): Resource<T> {
  const own = useMemo(() => {
    const wanted = signal<string | null>(null);
    const turn = signal(0);
    const state = signal<State<T>>({ path: null, data: null, problem: null, loading: true, atMs: 0 });
    return { wanted, turn, state, reload: () => void turn.value++ };
  }, []);
  useEffect(() => {
    own.wanted.value = path;
  }, [own, path]);

  useSignalEffect(() => {
    const from = own.wanted.value;
    own.turn.value;
    if (isLost.value) return;
    if (everyMs !== undefined && !visible.value) return;
    return load(from, own.state, everyMs);
  });

  const { path: loaded, ...state } = own.state.value;
  // the effect has not run yet for a path that is new
  const shown = loaded === path ? state : { data: null, problem: null, loading: path !== null, atMs: 0 };
  return { ...shown, reload: own.reload };
}

function load<T>(
  path: string | null,
  state: { value: State<T>; peek(): State<T> },
  everyMs: number | undefined,
): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const before = state.peek();
  const kept = before.path === path ? before : { data: null, problem: null, atMs: 0 };
  state.value = { ...kept, path, loading: path !== null };
  const once = async (): Promise<void> => {
    if (path === null) return;
    try {
      const data = await get<T>(path, { signal: stop.signal });
      if (!stop.signal.aborted) state.value = { path, data, problem: null, loading: false, atMs: Date.now() };
    } catch (error) {
      if (!stop.signal.aborted) state.value = { ...state.peek(), problem: asProblem(error), loading: false };
    }
    if (everyMs !== undefined && !stop.signal.aborted) timer = setTimeout(once, everyMs);
  };
  void once();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
