import type { Delta } from '../../kit/projections/projection-store.ts';
import { utcText } from '../../kit/schemas/formats.ts';
import { centsOf, type OrderPlaced } from './events.ts';

/** Messages kept for a customer: the latest. */
export const MAX_MESSAGES = 20;
const MAX_TITLES = 3;

/** What the customer is told, one message an order: by customer id, a field per order id, each `<time> <text>`. */
export function project({ order_id, timestamp, data }: OrderPlaced): Delta[] {
  const message = `${utcText(timestamp)} ${messageOf(data)}`;
  return [{ key: data.customer_id, max: { [order_id]: message }, keep: MAX_MESSAGES }];
}

function messageOf({ lines }: OrderPlaced['data']): string {
  const named = lines.slice(0, MAX_TITLES).map(({ quantity, title }) => `${quantity} x ${title}`);
  if (lines.length > MAX_TITLES) named.push(`${lines.length - MAX_TITLES} more`);
  return `Thank you for your order: ${named.join(', ')}, ${(centsOf(lines) / 100).toFixed(2)} in all.`;
}
