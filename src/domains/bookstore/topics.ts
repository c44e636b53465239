import type { TopicSpec } from '../../kit/log/event-log.ts';

/** Keyed by order id. */
export const ORDER_PLACED = 'order-placed';

/** Kept for ever: a group that comes late reads from the beginning. */
export const BOOKSTORE_TOPICS: readonly TopicSpec[] = [
  { name: ORDER_PLACED, partitions: 3, config: { 'retention.ms': '-1', 'retention.bytes': '-1' } },
];
