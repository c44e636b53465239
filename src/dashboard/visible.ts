/** Whether anybody can see the page: what nobody looks at asks for nothing. */
import { signal } from '@preact/signals';

export const visible = signal(!document.hidden);

document.addEventListener('visibilitychange', () => {
  visible.value = !document.hidden;
});
