/** The demo's form and its course, in words. Pure. */
import type { Demo } from '../../../api/pulse-sample.ts';
import { count, plural } from '../../format.ts';

export interface DemoDraft {
  readonly events: string;
  readonly rate: string;
  /** Per cent. */
  readonly poison: string;
  readonly seed: string;
  readonly real: boolean;
}

export const DEFAULT_DRAFT: DemoDraft = { events: '10000', rate: '2000', poison: '1', seed: '', real: false };

/** As `POST /api/run-demo` takes it. */
export interface DemoRequest {
  readonly events: number;
  readonly rate_per_second: number;
  readonly poison_share: number;
  readonly real: boolean;
  readonly seed?: number;
}

type Field = 'events' | 'rate' | 'poison' | 'seed';

const LIMITS: Readonly<Record<Field, { readonly min: number; readonly max: number; readonly whole: boolean }>> = {
  events: { min: 1, max: 10_000_000, whole: true },
  rate: { min: 0, max: 1_000_000, whole: false },
  poison: { min: 0, max: 50, whole: false },
  seed: { min: 0, max: 2 ** 32 - 1, whole: true },
};

/** What is wrong with a field; null where it is right. */
export function fieldError(draft: DemoDraft, field: Field): string | null {
  const text = draft[field].trim();
  if (field === 'seed' && text === '') return null;
  const { min, max, whole } = LIMITS[field];
  const value = Number(text);
  const isRight = text !== '' && value >= min && value <= max && (!whole || Number.isInteger(value));
  return isRight
    ? null
    : `${whole ? 'A whole number' : 'A number'} from ${count(min)} to ${max.toLocaleString('en-US')}.`;
}

/** Null where a field is wrong. */
export function requestOf(draft: DemoDraft): DemoRequest | null {
  const fields: readonly Field[] = ['events', 'rate', 'poison', 'seed'];
  if (fields.some((field) => fieldError(draft, field) !== null)) return null;
  return {
    events: Number(draft.events),
    rate_per_second: Number(draft.rate),
    poison_share: Number(draft.poison) / 100,
    real: draft.real,
    ...(draft.seed.trim() === '' ? {} : { seed: Number(draft.seed) }),
  };
}

export interface DemoStep {
  readonly label: string;
  /** 0 to 1; null before it is known how much there is. */
  readonly share: number | null;
  readonly text: string;
}

/** How far a running demo is: what is published, and what became of it. */
export function stepsOf({ requested, published, applied, duplicates, dead_lettered, parked }: Demo): DemoStep[] {
  const settled = applied + duplicates + dead_lettered;
  const share = (done: number) => (requested === 0 ? null : done / requested);
  const parts = [
    `${count(applied)} applied`,
    ...(dead_lettered > 0 ? [`${count(dead_lettered)} dead-lettered`] : []),
    ...(duplicates > 0 ? [plural(duplicates, 'duplicate')] : []),
    ...(parked > 0 ? [`${count(parked)} waiting for a retry`] : []),
  ];
  return [
    {
      label: 'Published',
      share: share(published),
      text: requested === 0 ? 'counting the events' : `${count(published)} of ${count(requested)}`,
    },
    { label: 'Processed', share: share(settled), text: parts.join(', ') },
  ];
}

/** Everything has been processed, and the log is being read again to check that. */
export function isChecking({ state, requested, applied, duplicates, dead_lettered }: Demo): boolean {
  return state === 'RUNNING' && requested > 0 && applied + duplicates + dead_lettered >= requested;
}

/** How it has ended, in a sentence. */
export function verdictOf({
  state,
  balanced,
  requested,
  in_log,
  applied,
  dead_lettered,
  duplicates,
  error,
}: Demo): string {
  if (state === 'FAILED') return `The demo failed: ${error ?? 'no reason was given'}`;
  if (balanced !== true) return 'The books do not balance: see below what differs.';
  const dead = dead_lettered > 0 ? `, ${count(dead_lettered)} set aside as dead letters` : '';
  const again = duplicates > 0 ? `, ${plural(duplicates, 'duplicate')} left out` : '';
  return `All ${count(requested)} events are accounted for: ${count(in_log)} in the log, ${count(applied)} applied${dead}${again}.`;
}
