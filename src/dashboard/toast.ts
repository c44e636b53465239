/** What has been done, told for a moment, to screen readers too. */
import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'ok' | 'bad';
}

const SHOWN_MS = 6_000;
const MAX_TOASTS = 4;
let nextId = 1;
export const toasts = signal<readonly Toast[]>([]);

export function toast(text: string, kind: Toast['kind'] = 'ok'): void {
  const id = nextId++;
  toasts.value = [...toasts.value, { id, text, kind }].slice(-MAX_TOASTS);
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, SHOWN_MS);
}
