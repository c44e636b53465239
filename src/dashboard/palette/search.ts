import { effect, type Signal, signal } from '@preact/signals';
import type { SearchJson } from '../../api/search.ts';
import { asProblem, get, type Problem } from '../http.ts';

const DEBOUNCE_MS = 120;

export interface Found {
  /** What was asked. */
  readonly text: string;
  /** Null while it is asked. */
  readonly answer: SearchJson | null;
  readonly problem: Problem | null;
}

/** Asks for what is typed once the typing rests; what is superseded is given up. Call `end` when nobody looks any more. */
export function searching(text: Signal<string>): { readonly found: Signal<Found>; readonly end: () => void } {
  const found = signal<Found>({ text: '', answer: null, problem: null });
  const end = effect(() => {
    const wanted = text.value.trim();
    if (wanted === '') {
      found.value = { text: '', answer: null, problem: null };
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await get<SearchJson>(`/api/v1/search?q=${encodeURIComponent(wanted)}`, { signal: stop.signal });
        found.value = { text: wanted, answer, problem: null };
      } catch (error) {
        if (!stop.signal.aborted) found.value = { text: wanted, answer: null, problem: asProblem(error) };
      }
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  });
  return { found, end };
}
