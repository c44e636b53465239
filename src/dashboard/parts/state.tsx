/** How something is: a colour and a shape, so that neither is needed alone. */
import type { ComponentChildren } from 'preact';
import type { StateKind } from './state-kind.ts';

/** Drawn in a square of 12, in `currentColor`. */
export const SHAPES = {
  ok: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  warn: <path d="M6 1 11.2 10.5H.8Z" fill="currentColor" />,
  bad: <rect x="1.5" y="1.5" width="9" height="9" fill="currentColor" />,
  busy: <path d="M6 .8 11.2 6 6 11.2.8 6Z" fill="currentColor" />,
  idle: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" />,
};

export function State({ kind, children }: { readonly kind: StateKind; readonly children: ComponentChildren }) {
  return (
    <span class={`state ${kind}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {SHAPES[kind]}
      </svg>
      <span>{children}</span>
    </span>
  );
}

export function Badge({ children }: { readonly children: ComponentChildren }) {
  return <span class="badge">{children}</span>;
}
