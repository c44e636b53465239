/** What kind of step it is: a shape and a colour. */
import type { StateKind } from '../../parts/state-kind.ts';
import type { Step } from './timeline.ts';

const CIRCLE = 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11Z';
const RING = `${CIRCLE}M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6Z`;
const TRIANGLE = 'M8 1.5 15 14H1Z';
const SQUARE = 'M2.5 2.5h11v11h-11Z';
const STACK = 'M2.5 3h11v2.8h-11ZM2.5 6.8h11v2.4h-11ZM2.5 10.2h11V13h-11Z';
const ARROW = 'M8 1.5 14 8h-3.5v6h-5V8H2Z';
const BARS = 'M3 2.5h3.8v11H3ZM9.2 2.5H13v11H9.2Z';

const ICONS: Readonly<Record<Step['kind'], readonly [path: string, kind: StateKind]>> = {
  created: [RING, 'idle'],
  stored: [STACK, 'busy'],
  repeated: [STACK, 'busy'],
  replayed: [ARROW, 'busy'],
  claimed: [RING, 'busy'],
  paused: [BARS, 'bad'],
  failed: [TRIANGLE, 'warn'],
  parked: [BARS, 'busy'],
  dead: [SQUARE, 'bad'],
  applied: [CIRCLE, 'ok'],
  duplicate: [RING, 'ok'],
};

export function StepIcon({ kind }: { readonly kind: Step['kind'] }) {
  const [path, color] = ICONS[kind];
  return (
    <svg class={`step-icon ${color}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
