/** An event's steps as lanes on a line of time. Not to scale: a wait of an hour has hardly more room than one of a second. */
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { duration } from '../../format.ts';

export type Step = JourneyAnswer['steps'][number];

export interface Mark {
  /** In `journey.steps`. */
  readonly index: number;
  /** 0 to 1. */
  readonly x: number;
}

/** How the time between two marks was spent. */
export type Look = 'waiting' | 'working' | 'delayed' | 'held' | 'stopped';

export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly look: Look;
}

export interface TimelineLane {
  /** `log`, or a handler. */
  readonly name: string;
  readonly marks: readonly Mark[];
  readonly segments: readonly Segment[];
}

export interface Tick {
  readonly x: number;
  readonly text: string;
}

export interface Timeline {
  readonly lanes: readonly TimelineLane[];
  readonly ticks: readonly Tick[];
}

/** Room of a gap, whatever its length, and up to which length it grows. */
const LEAST_GAP = 0.6;
const LONGEST_GAP = 3.4;
/** Between the texts of two ticks. */
const TICK_SPACE = 0.11;

const AFTER: Partial<Record<Step['kind'], Look>> = { failed: 'delayed', parked: 'held', paused: 'stopped' };

export function timelineOf({ steps, lanes, records, as_of, settled }: JourneyAnswer): Timeline {
  const [first] = records;
  if (first === undefined) return { lanes: [], ticks: [] };
  const zero = Date.parse(first.at);
  const end = settled ? null : Math.max(Date.parse(as_of) - zero, ...steps.map(endOf));
  const scale = scaleOf([
    ...steps.flatMap((step) => [startOf(step, zero), endOf(step)]),
    0,
    ...(end === null ? [] : [end]),
  ]);
  const ofLog: TimelineLane = { name: 'log', marks: marksOf(steps, null, scale), segments: [] };
  const ofHandlers = lanes
    .filter(({ reads }) => reads)
    .map(({ handler, fates }): TimelineLane => {
      const segments = fates.flatMap((fate) => {
        const stored = records.find((record) => isSamePlace(record, fate));
        const own = steps.filter((step) => step.handler === handler && isSamePlace(step, fate));
        const open = fate.state === 'COMMITTED' || fate.state === 'POISON_DLQ' ? null : end;
        return stored === undefined
          ? []
          : segmentsOf(own, Date.parse(stored.at) - zero, zero, open, fate.outcome, scale);
      });
      return { name: handler, marks: marksOf(steps, handler, scale), segments };
    });
  return { lanes: [ofLog, ...ofHandlers], ticks: ticksOf(steps, end, scale) };
}

type Scale = (ms: number) => number;

/** Each moment at its place: gaps grow with the logarithm of their length, between two bounds. */
function scaleOf(times: readonly number[]): Scale {
  const moments = [...new Set(times)].sort((a, b) => a - b);
  const places = new Map<number, number>();
  let sum = 0;
  for (const [index, ms] of moments.entries()) {
    const gap = ms - (moments[index - 1] ?? ms);
    if (index > 0) sum += LEAST_GAP + Math.min(Math.log10(1 + gap), LONGEST_GAP);
    places.set(ms, sum);
  }
  return (ms) => (sum === 0 ? 0 : (places.get(ms) ?? 0) / sum);
}

function marksOf(steps: readonly Step[], handler: string | null, scale: Scale): Mark[] {
  return steps.flatMap((step, index) => (step.handler === handler ? [{ index, x: scale(endOf(step)) }] : []));
}

function segmentsOf(
  steps: readonly Step[],
  stored: number,
  zero: number,
  open: number | null,
  outcome: string,
  scale: Scale,
): Segment[] {
  const segments: Segment[] = [];
  const add = (from: number, to: number, look: Look) => {
    if (to > from) segments.push({ from: scale(from), to: scale(to), look });
  };
  let at = stored;
  let look: Look = 'waiting';
  for (const step of steps) {
    const start = Math.max(at, startOf(step, zero));
    add(at, start, look);
    add(start, endOf(step), 'working');
    at = Math.max(at, endOf(step));
    look = AFTER[step.kind] ?? 'waiting';
  }
  if (open !== null) add(at, open, outcome === 'processing' ? 'working' : look);
  return segments;
}

function endOf(step: Step): number {
  return step.since_stored_ms;
}

/** Work that began before the record, by another clock, or with others in its transaction, is drawn from the record on. */
function startOf({ started_at, since_stored_ms }: Step, zero: number): number {
  return started_at === null ? since_stored_ms : Math.min(since_stored_ms, Math.max(0, Date.parse(started_at) - zero));
}

function ticksOf(steps: readonly Step[], end: number | null, scale: Scale): Tick[] {
  const all = [...new Set([...steps.map(endOf), ...(end === null ? [] : [end])])].sort((a, b) => a - b);
  const wanted = [0, all.at(-1) ?? 0, all[0] ?? 0, ...all];
  const ticks: Tick[] = [];
  for (const ms of wanted) {
    const x = scale(ms);
    if (ticks.every((tick) => Math.abs(tick.x - x) >= TICK_SPACE)) ticks.push({ x, text: tickText(ms, ms === end) });
  }
  return ticks.sort((a, b) => a.x - b.x);
}

function tickText(ms: number, isNow: boolean): string {
  if (isNow) return 'now';
  return ms === 0 ? 'stored' : relative(ms);
}

/** `+61 ms` */
export function relative(ms: number): string {
  return ms < 0 ? `−${duration(-ms)}` : `+${duration(ms)}`;
}

function isSamePlace(a: Pick<Step, 'topic' | 'partition' | 'offset'>, b: Pick<Step, 'topic' | 'partition' | 'offset'>) {
  return a.offset === b.offset && a.partition === b.partition && a.topic === b.topic;
}
