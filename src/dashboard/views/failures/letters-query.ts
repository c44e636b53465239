/** Which letters the address names, as the API takes it. Pure. */

export const RANGES = [
  { value: 'all', text: 'All' },
  { value: '15m', text: '15 min' },
  { value: '1h', text: '1 h' },
  { value: '1d', text: '1 day' },
] as const;
export type Range = (typeof RANGES)[number]['value'];

const RANGE_MS: Readonly<Record<Exclude<Range, 'all'>, number>> = {
  '15m': 15 * 60_000,
  '1h': 60 * 60_000,
  '1d': 24 * 60 * 60_000,
};

export const REPLAYED = [
  { value: 'no', text: 'Open' },
  { value: 'only', text: 'Replayed' },
  { value: 'all', text: 'Both' },
] as const;
export type Replayed = (typeof REPLAYED)[number]['value'];

export interface LetterFilter {
  readonly topic: string;
  readonly code: string;
  readonly group: string;
  readonly text: string;
  readonly range: Range;
  readonly replayed: Replayed;
}

export function filterOf(query: (name: string) => string, replayed: Replayed): LetterFilter {
  return {
    topic: query('topic'),
    code: query('code'),
    group: query('group'),
    text: query('q'),
    range: RANGES.find(({ value }) => value === query('range'))?.value ?? 'all',
    replayed: REPLAYED.find(({ value }) => value === query('replayed'))?.value ?? replayed,
  };
}

/** What the API's `filter` takes; `since` is a round time, so that an address that is asked again is the same. */
export function filterBody({ topic, code, group, text, range }: LetterFilter, nowMs: number): Record<string, string> {
  const stepMs = 10_000;
  const since = range === 'all' ? '' : new Date(Math.floor((nowMs - RANGE_MS[range]) / stepMs) * stepMs).toISOString();
  return Object.fromEntries(Object.entries({ topic, code, group, text, since }).filter(([, value]) => value !== ''));
}

export function apiQuery(filter: LetterFilter, nowMs: number, more: Readonly<Record<string, string>> = {}): string {
  return new URLSearchParams({ ...filterBody(filter, nowMs), replayed: filter.replayed, ...more }).toString();
}

/** In words, for a button and a question: `NOT_JSON in content-interactions of the last 1 h`. */
export function filterWords({ topic, code, group, text, range }: LetterFilter): string {
  const words = [
    code === '' ? '' : code,
    topic === '' ? '' : `in ${topic}`,
    group === '' ? '' : `of ${group}`,
    text === '' ? '' : `with “${text}”`,
    range === 'all' ? '' : `of the last ${RANGES.find(({ value }) => value === range)!.text}`,
  ].filter(Boolean);
  return words.length === 0 ? 'of every kind' : words.join(' ');
}
