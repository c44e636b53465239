/** What the message browser is asked, in the page's address and in the API's. Pure. */

export interface BrowseQuery {
  readonly order: 'newest' | 'oldest';
  /** '' all of them. */
  readonly partition: string;
  readonly start: 'end' | 'offset' | 'time';
  readonly offset: string;
  /** RFC 3339. */
  readonly at: string;
  readonly key: string;
  readonly type: string;
  readonly text: string;
}

/** @param value of the address's query */
export function readBrowseQuery(value: (name: string) => string): BrowseQuery {
  const [offset, at] = [value('offset'), value('at')];
  return {
    order: value('order') === 'oldest' ? 'oldest' : 'newest',
    partition: value('partition'),
    start: offset !== '' ? 'offset' : at !== '' ? 'time' : 'end',
    offset,
    at,
    key: value('key'),
    type: value('type'),
    text: value('text'),
  };
}

/** For the address: what says nothing is left out. */
export function addressOf({
  order,
  partition,
  start,
  offset,
  at,
  key,
  type,
  text,
}: BrowseQuery): Record<string, string> {
  return {
    order: order === 'newest' ? '' : order,
    partition,
    offset: start === 'offset' ? offset : '',
    at: start === 'time' ? at : '',
    key,
    type,
    text,
  };
}

export function pathOf(topic: string, asked: BrowseQuery, cursor: string | null): string {
  const query = new URLSearchParams({ order: asked.order, max: '100' });
  for (const [name, value] of Object.entries(addressOf(asked)))
    if (value !== '' && name !== 'order') query.set(name, value);
  if (cursor !== null) query.set('cursor', cursor);
  return `/api/v1/topics/${encodeURIComponent(topic)}/records?${query}`;
}

/** What is wrong with it before it is asked, by field. */
export function mistakesIn({ start, offset, at, partition }: BrowseQuery): {
  readonly partition?: string;
  readonly offset?: string;
  readonly at?: string;
} {
  if (partition !== '' && !isPartition(partition)) return { partition: 'A whole number is needed.' };
  if (start === 'offset') {
    if (!/^\d{1,15}$/.test(offset)) return { offset: 'A whole number is needed.' };
    if (partition === '') return { offset: 'An offset is of one partition: choose which.' };
  }
  if (start === 'time' && Number.isNaN(Date.parse(at))) return { at: 'A date and a time are needed.' };
  return {};
}

export function isPartition(text: string): boolean {
  return /^\d{1,9}$/.test(text);
}

/** RFC 3339 to what a `datetime-local` field has, in this machine's zone, and back. '' for none. */
export function toLocalField(at: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return '';
  const offsetMs = new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - offsetMs).toISOString().slice(0, 23);
}

export function fromLocalField(text: string): string {
  const time = new Date(text).getTime();
  return text === '' || Number.isNaN(time) ? '' : new Date(time).toISOString();
}
