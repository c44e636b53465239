/** The time, once a second while the page is visible, for what is told as `12 s ago`. */
import { effect, signal } from '@preact/signals';
import { visible } from './visible.ts';

export const nowMs = signal(Date.now());

effect(() => {
  if (!visible.value) return;
  nowMs.value = Date.now();
  const timer = setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
  return () => clearInterval(timer);
});
