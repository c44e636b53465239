/** What the server says of an event while it is written. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ValidationJson } from '../../../api/event-types.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { parseEvent } from './event-form.ts';
import { utf8Length } from './record-row.ts';
import { tooLarge } from './size-words.ts';

const CHECK_AFTER_MS = 250;

export type Check =
  | { readonly state: 'checking' }
  | { readonly state: 'refused'; readonly message: string }
  | { readonly state: 'valid'; readonly answer: Extract<ValidationJson, { valid: true }> }
  | { readonly state: 'invalid'; readonly answer: Extract<ValidationJson, { valid: false }> }
  | { readonly state: 'unknown'; readonly problem: Problem };

/** What the server says of the text, once nothing was typed for a moment. */
export function useCheck(text: string, maxBytes: number): Check {
  const check = useSignal<Check>({ state: 'checking' });
  useEffect(() => {
    const size = utf8Length(text);
    if (size > maxBytes) {
      check.value = { state: 'refused', message: tooLarge(size, maxBytes) };
      return;
    }
    const parsed = parseEvent(text);
    if (!parsed.ok) {
      check.value = { state: 'refused', message: parsed.message };
      return;
    }
    if (Array.isArray(parsed.event)) {
      check.value = { state: 'refused', message: 'This is a list: one event is published here at a time.' };
      return;
    }
    const stop = new AbortController();
    check.value = { state: 'checking' };
    const timer = setTimeout(async () => {
      try {
        const answer = await post<ValidationJson>('/api/v1/events/validate', text, { signal: stop.signal });
        if (!stop.signal.aborted)
          check.value = answer.valid ? { state: 'valid', answer } : { state: 'invalid', answer };
      } catch (error) {
        if (!stop.signal.aborted) check.value = { state: 'unknown', problem: asProblem(error) };
      }
    }, CHECK_AFTER_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text, maxBytes]);
  return check.value;
}
