/** The form of a reset, what it asks the API for, and what the answer means in words. Pure. */
import type { Reset, ResetBody } from '../../../api/group-schemas.ts';
import { count, plural } from '../../format.ts';

export const TARGETS = [
  { value: 'earliest', text: 'Earliest' },
  { value: 'latest', text: 'Latest' },
  { value: 'time', text: 'A time' },
  { value: 'offset', text: 'An offset' },
  { value: 'shift', text: 'Shift' },
] as const;
export type Target = (typeof TARGETS)[number]['value'];

/** As typed. */
export interface ResetForm {
  readonly to: Target;
  /** Of `datetime-local`, in this machine's zone. */
  readonly time: string;
  readonly offset: string;
  readonly by: string;
  /** '' for all that the group has offsets of. */
  readonly topic: string;
  /** '' for all; else `0,2-5`. */
  readonly partitions: string;
}

export type FieldErrors = Partial<Record<keyof ResetForm, string>>;
type Parsed =
  | { readonly body: ResetBody; readonly errors?: never }
  | { readonly body?: never; readonly errors: FieldErrors };

const MAX_PARTITION = 100_000;

export function parseForm(form: ResetForm): Parsed {
  const errors: FieldErrors = {};
  const wholeNumber = (name: 'offset' | 'by', least: number): number | undefined => {
    const value = Number(form[name]);
    if (form[name].trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
    errors[name] = least === 0 ? 'A whole number, 0 or more.' : 'A whole number; negative goes back.';
    return undefined;
  };
  const timeMs = Date.parse(form.time);
  if (form.to === 'time' && Number.isNaN(timeMs)) errors.time = 'A date and a time.';
  const offset = form.to === 'offset' ? wholeNumber('offset', 0) : undefined;
  const by = form.to === 'shift' ? wholeNumber('by', -Number.MAX_SAFE_INTEGER) : undefined;
  const partitions = parsePartitions(form.partitions);
  if (form.topic !== '' && partitions === undefined) errors.partitions = 'Numbers and runs, as 0,2-5; empty for all.';
  if (Object.keys(errors).length > 0) return { errors };
  return {
    body: {
      to: form.to,
      ...(form.to === 'time' ? { time: new Date(timeMs).toISOString() } : {}),
      ...(offset === undefined ? {} : { offset }),
      ...(by === undefined ? {} : { by }),
      ...(form.topic === ''
        ? {}
        : { topics: [{ topic: form.topic, ...(partitions == null ? {} : { partitions: [...partitions] }) }] }),
    },
  };
}

/** `0,2-5`; null for all of them; undefined where it is neither. */
export function parsePartitions(text: string): readonly number[] | null | undefined {
  if (text.trim() === '') return null;
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?\s*$/.exec(part);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || last < first || last > MAX_PARTITION) return undefined;
    for (let partition = first; partition <= last; partition++) found.add(partition);
  }
  return [...found].sort((a, b) => a - b);
}

/** To do what was shown, whatever has been written to the log since. */
export function executionOf({ resets }: Reset): ResetBody {
  return {
    to: 'offsets',
    offsets: resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
    execute: true,
  };
}

/** Back to where it was; null where there is nothing to go back to. Partitions that had no offset keep the new one. */
export function undoOf({ resets }: Pick<Reset, 'resets'>): ResetBody | null {
  const offsets = resets.flatMap(({ topic, partition, from, to }) =>
    from === null || from === to ? [] : [{ topic, partition, offset: from }],
  );
  return offsets.length === 0 ? null : { to: 'offsets', offsets, execute: true };
}

export function effectText({ effect, records }: Pick<Reset['resets'][number], 'effect' | 'records'>): string {
  if (effect === 'new') return 'new: it had no offset here';
  return effect === 'unchanged' ? 'unchanged' : `${plural(records, 'record')} ${effect}`;
}

/** `2 of 3 partitions would move: at most 6 records read again.` */
export function summaryText({
  resets,
  repeated,
  skipped,
  executed,
}: Pick<Reset, 'resets' | 'repeated' | 'skipped' | 'executed'>): string {
  const changed = resets.filter(({ from, to }) => from !== to).length;
  if (changed === 0) return 'Nothing changes: the group is there already.';
  const parts = [
    ...(repeated > 0 ? [`at most ${plural(repeated, 'record')} read again`] : []),
    ...(skipped > 0 ? [`at most ${plural(skipped, 'record')} never read`] : []),
  ];
  const what = parts.length === 0 ? 'nothing read again, nothing skipped' : parts.join(', ');
  const verb = executed ? 'moved' : 'would move';
  return `${changed} of ${plural(resets.length, 'partition')} ${verb}: ${what}.`;
}

/** `+12` or `-3`; '' where there was no offset. */
export function changeText({ from, to }: Pick<Reset['resets'][number], 'from' | 'to'>): string {
  if (from === null) return '';
  const change = to - from;
  return change > 0 ? `+${count(change)}` : count(change);
}

/** Of `datetime-local`, in this machine's zone: `2026-11-21T14:03:07`. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
