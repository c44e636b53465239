import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import { centsOf, copiesIn, type OrderLine, type OrderPlaced } from './events.ts';

const DAY_CHARS = '2026-05-27'.length;

/** Orders, copies and revenue by day (`day/2026-05-27`, event time in UTC) and by title (`title/<isbn>`). */
export function project({ timestamp, data }: OrderPlaced): Delta[] {
  const titles = Map.groupBy(data.lines, ({ isbn }) => isbn);
  return [
    sales(`day/${utcText(timestamp).slice(0, DAY_CHARS)}`, data.lines),
    ...[...titles].map(([isbn, lines]) => sales(`title/${isbn}`, lines)),
  ];
}

function sales(key: string, lines: readonly OrderLine[]): Delta {
  return { key, add: { orders: 1, copies: copiesIn(lines), revenue_cents: centsOf(lines) } };
}
