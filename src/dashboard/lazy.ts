import { useSignal, useSignalEffect } from '@preact/signals';
import { type ComponentType, h, type VNode } from 'preact';

/** A component that is fetched when it is first shown; nothing until then. */
export function lazy(load: () => Promise<ComponentType>): ComponentType {
  let component: ComponentType | null = null;
  return function Lazy(): VNode | null {
    const there = useSignal(component !== null);
    useSignalEffect(() => {
      if (component !== null) return;
      void load().then((found) => {
        component = found;
        there.value = true;
      });
    });
    return there.value && component !== null ? h(component, {}) : null;
  };
}
