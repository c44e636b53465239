/** A drill's course as it comes in, and how it is judged. Pure. */
import type { DrillEntry, DrillRun, DrillTimeline, DrillVerdict } from '../../../api/drills.ts';
import type { StateKind } from '../../parts/state-kind.ts';

type Bucket = DrillTimeline['buckets'][number];

/** Buckets as new as this may still change. */
const OPEN_BUCKETS = 40;

export interface Course {
  readonly bucketMs: number;
  readonly buckets: readonly Bucket[];
}

export const NO_COURSE: Course = { bucketMs: 250, buckets: [] };

/** What came in after what was there. */
export function merged({ buckets }: Course, { bucket_ms, from, total, buckets: news }: DrillTimeline): Course {
  const kept = buckets.length > from ? buckets.slice(0, from) : buckets;
  // nothing is known of what lies between: the next question begins further back
  if (kept.length < from) return { bucketMs: bucket_ms, buckets: kept };
  return { bucketMs: bucket_ms, buckets: [...kept, ...news].slice(0, total) };
}

/** From which bucket on the next question has to ask; a run that has ended told all of it again. */
export function askFrom({ buckets }: Course): number {
  return Math.max(0, buckets.length - OPEN_BUCKETS);
}

export interface CourseSeries {
  /** Milliseconds since the first publish. */
  readonly times: readonly number[];
  readonly acked: readonly number[];
  readonly applied: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly longest: readonly (number | null)[];
}

/** Counts as rates; the last bucket is left out while it fills. */
export function seriesOf({ bucketMs, buckets }: Course, isOver: boolean): CourseSeries {
  const whole = isOver ? buckets : buckets.slice(0, -1);
  const perSecond = (events: number) => (events * 1_000) / bucketMs;
  return {
    times: whole.map(({ at_ms }) => at_ms),
    acked: whole.map(({ acked }) => perSecond(acked)),
    applied: whole.map(({ applied }) => perSecond(applied)),
    p50: whole.map(({ p50_ms }) => p50_ms),
    p99: whole.map(({ p99_ms }) => p99_ms),
    longest: whole.map(({ max_ms }) => max_ms),
  };
}

export const RUN_STATES: Readonly<Record<DrillRun['state'], { readonly kind: StateKind; readonly text: string }>> = {
  RUNNING: { kind: 'busy', text: 'running' },
  CANCELLING: { kind: 'busy', text: 'being cancelled' },
  PASSED: { kind: 'ok', text: 'passed' },
  FAILED: { kind: 'bad', text: 'failed' },
  CANCELLED: { kind: 'idle', text: 'cancelled' },
  BROKEN: { kind: 'bad', text: 'broke off' },
};

export function isUnderWay(state: DrillRun['state']): boolean {
  return state === 'RUNNING' || state === 'CANCELLING';
}

/** Since the first publish: `0:05.2`, before it `-0:01.0` */
export function secondsText(ms: number): string {
  const tenths = Math.round(Math.abs(ms) / 100);
  const sign = ms < 0 && tenths > 0 ? '-' : '';
  return `${sign}${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
}

/** What was not met comes first; else as the drill has it. */
export function criteriaInOrder({ criteria }: DrillVerdict): DrillVerdict['criteria'] {
  return [...criteria.filter(({ pass }) => !pass), ...criteria.filter(({ pass }) => pass)];
}

/** `5 of 17 criteria were not met`, `all 17 criteria were met` */
export function verdictText({ criteria, error }: DrillVerdict): string {
  const missed = criteria.filter(({ pass }) => !pass).length;
  if (error !== null) return 'It could not be brought to its end.';
  if (criteria.length === 0) return 'Nothing was judged.';
  return missed === 0
    ? `All ${criteria.length} criteria were met.`
    : `${missed} of ${criteria.length} criteria were not met.`;
}

export interface DrillForm {
  readonly rate: string;
  readonly seed: string;
  readonly scale: string;
  readonly sabotage: string;
}

export function formOf({ defaults }: Pick<DrillEntry, 'defaults'>): DrillForm {
  return { rate: String(defaults.rate_per_second), seed: '1', scale: String(defaults.scale), sabotage: '' };
}

/** What is wrong with a field, by its name; and the options to start with, where nothing is. */
export function checked(form: DrillForm): {
  readonly errors: Partial<Record<keyof DrillForm, string>>;
  readonly options: { rate_per_second: number; seed: number; scale: number; sabotage: string | null } | null;
} {
  const [rate, seed, scale] = [form.rate, form.seed, form.scale].map((text) =>
    text.trim() === '' ? Number.NaN : Number(text),
  );
  const errors = {
    ...(Number.isInteger(rate) && rate! >= 1 && rate! <= 100_000 ? {} : { rate: 'A whole number from 1 to 100,000.' }),
    ...(Number.isInteger(seed) && seed! >= 0 && seed! <= 2 ** 31 ? {} : { seed: 'A whole number from 0 on.' }),
    ...(scale! >= 0.05 && scale! <= 5 ? {} : { scale: 'A number from 0.05 to 5.' }),
  };
  if (Object.keys(errors).length > 0) return { errors, options: null };
  const sabotage = form.sabotage === '' ? null : form.sabotage;
  return { errors, options: { rate_per_second: rate!, seed: seed!, scale: scale!, sabotage } };
}
