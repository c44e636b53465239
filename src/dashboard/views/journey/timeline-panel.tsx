/** The steps as lanes: at a glance, by pointer and by arrow keys. The table below it has the same in figures. */
import { useRef } from 'preact/hooks';
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { Time } from '../../parts/values.tsx';
import { query, setQuery } from '../../router.ts';
import { kindOf, stepDetail, stepTitle } from './journey-words.ts';
import { StepIcon } from './step-icon.tsx';
import { type Mark, relative, type Step, type Timeline, type TimelineLane, timelineOf } from './timeline.ts';

/** Which step the address names; -1: none. */
export function selectedStep(steps: readonly Step[]): number {
  const wanted = Number(query('step') || Number.NaN) - 1;
  return Number.isInteger(wanted) && wanted >= 0 && wanted < steps.length ? wanted : -1;
}

export function selectStep(index: number): void {
  setQuery({ step: index < 0 ? null : index + 1 });
}

export function TimelinePanel({ journey }: { readonly journey: JourneyAnswer }) {
  const { steps, settled } = journey;
  const timeline = timelineOf(journey);
  const selected = selectedStep(steps);
  return (
    <Panel
      title="Time line"
      note={
        settled ? 'from when it was stored; long waits are shortened' : 'from when it was stored; goes on by itself'
      }
    >
      <Lanes journey={journey} timeline={timeline} selected={selected} />
      <Selected step={steps[selected]} />
      <Key />
    </Panel>
  );
}

function Lanes(props: { readonly journey: JourneyAnswer; readonly timeline: Timeline; readonly selected: number }) {
  const { journey, timeline, selected } = props;
  const { steps } = journey;
  const box = useRef<HTMLFieldSetElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = event.target instanceof HTMLElement ? Number(event.target.dataset.step) : Number.NaN;
    const to = stepAfter(event.key, at, steps.length);
    if (to === null) return;
    event.preventDefault();
    selectStep(to);
    box.current?.querySelector<HTMLElement>(`[data-step="${to}"]`)?.focus();
  };
  const reachable = Math.max(selected, 0);
  return (
    <fieldset
      class="lanes"
      ref={box}
      onKeyDown={move}
      aria-label="Steps in the order of time. Arrow keys go from one to the next."
    >
      {timeline.lanes.map((lane) => (
        <div class="lane" key={lane.name}>
          <LaneName name={lane.name} journey={journey} />
          <div class="track">
            <Segments lane={lane} />
            {lane.marks.map((mark) => (
              <MarkButton
                key={mark.index}
                mark={mark}
                step={steps[mark.index]!}
                selected={mark.index === selected}
                reachable={mark.index === reachable}
              />
            ))}
          </div>
        </div>
      ))}
      <div class="lane axis" aria-hidden="true">
        <span />
        <div class="track">
          {timeline.ticks.map(({ x, text }) => (
            <span key={x} class={x === 0 ? 'first' : x === 1 ? 'last' : ''} style={{ left: `${x * 100}%` }}>
              {text}
            </span>
          ))}
        </div>
      </div>
    </fieldset>
  );
}

function stepAfter(key: string, at: number, length: number): number | null {
  if (Number.isNaN(at)) return null;
  if (key === 'ArrowRight' || key === 'ArrowDown') return Math.min(at + 1, length - 1);
  if (key === 'ArrowLeft' || key === 'ArrowUp') return Math.max(at - 1, 0);
  if (key === 'Home') return 0;
  return key === 'End' ? length - 1 : null;
}

function LaneName({ name, journey }: { readonly name: string; readonly journey: JourneyAnswer }) {
  const lane = journey.lanes.find(({ handler }) => handler === name);
  if (lane === undefined)
    return (
      <span class="lane-name">
        <strong>log</strong>
      </span>
    );
  return (
    <span class="lane-name" data-lane={name}>
      <strong>{name}</strong>
      <State kind={kindOf(lane.state)}>{lane.state}</State>
    </span>
  );
}

function Segments({ lane }: { readonly lane: TimelineLane }) {
  return (
    <svg class="segments" aria-hidden="true">
      {lane.segments.map(({ from, to, look }) => (
        <line key={`${from} ${look}`} class={look} x1={`${from * 100}%`} x2={`${to * 100}%`} y1="50%" y2="50%" />
      ))}
    </svg>
  );
}

function MarkButton(props: {
  readonly mark: Mark;
  readonly step: Step;
  readonly selected: boolean;
  readonly reachable: boolean;
}) {
  const { mark, step, selected, reachable } = props;
  const words = `${step.handler ?? 'log'}: ${stepTitle(step)}, ${relative(step.since_stored_ms)}`;
  return (
    <button
      type="button"
      class="mark"
      style={{ left: `${mark.x * 100}%` }}
      data-step={mark.index}
      tabIndex={reachable ? 0 : -1}
      aria-pressed={selected}
      aria-label={words}
      title={`${words}\n${stepDetail(step)}`}
      onClick={() => selectStep(selected ? -1 : mark.index)}
    >
      <StepIcon kind={step.kind} />
    </button>
  );
}

function Selected({ step }: { readonly step: Step | undefined }) {
  return (
    <p class="selected-step" aria-live="polite">
      {step === undefined ? (
        <span class="muted">Choose a mark to see what happened there.</span>
      ) : (
        <>
          <span class="step-title">
            <StepIcon kind={step.kind} />
            <strong>
              {step.handler ?? 'log'}: {stepTitle(step)}
            </strong>
          </span>
          <span>
            <Time at={step.at} /> ({relative(step.since_stored_ms)})
          </span>
          <span class="muted">{stepDetail(step)}</span>
        </>
      )}
    </p>
  );
}

const LOOKS = [
  ['waiting', 'waits to be read'],
  ['working', 'is worked on'],
  ['delayed', 'waits for its next attempt'],
  ['held', 'parked behind another'],
  ['stopped', 'partition paused'],
] as const;
const MARKS: readonly (readonly [Step['kind'], string])[] = [
  ['created', 'happened'],
  ['stored', 'stored'],
  ['applied', 'applied'],
  ['duplicate', 'duplicate'],
  ['failed', 'attempt failed'],
  ['parked', 'parked'],
  ['dead', 'given up'],
  ['replayed', 'replayed'],
];

function Key() {
  return (
    <ul class="lanes-key small muted" aria-label="Key">
      {MARKS.map(([kind, text]) => (
        <li key={kind}>
          <StepIcon kind={kind} />
          {text}
        </li>
      ))}
      {LOOKS.map(([look, text]) => (
        <li key={look}>
          <svg class="segments" viewBox="0 0 24 10" aria-hidden="true">
            <line class={look} x1="1" x2="23" y1="5" y2="5" />
          </svg>
          {text}
        </li>
      ))}
    </ul>
  );
}
