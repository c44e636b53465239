import type { ComponentChildren } from 'preact';

interface ScrollRegionProps {
  /** What is in it. */
  readonly label: string;
  readonly class: string;
  readonly children: ComponentChildren;
}

/** What scrolls in itself is reachable by keyboard, and has a name (WCAG 2.1.1). */
export function ScrollRegion({ label, class: name, children }: ScrollRegionProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll it
    <section class={name} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
