import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The width of an element in pixels, as it changes; 0 before it is known. For what is laid out by itself, as drawings are. */
export function useWidth<E extends HTMLElement>(): readonly [RefObject<E | null>, Signal<number>] {
  const element = useRef<E>(null);
  const width = useSignal(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    watch.observe(element.current!);
    return () => watch.disconnect();
  }, []);
  return [element, width];
}
