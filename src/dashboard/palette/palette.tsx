import { signal } from '@preact/signals';

const open = signal(false);

export function openPalette(): void {
  open.value = true;
}

export function Palette() {
  return open.value ? <div /> : null;
}
