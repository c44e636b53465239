/**
 * The one event of the bookstore. It carries all that its readers need (customer, titles, prices), so that none of them has to
 * ask back: event-carried state transfer. The envelope is closed, `data` is open, as with the social events.
 */
import Type, { type Static } from 'typebox';
import { type Contract, contractOf } from '../../kit/schemas/contract.ts';
import { Id, isWithinDepth, Timestamp } from '../../kit/schemas/formats.ts';

export const EVENT_TYPE = 'order_placed';
export const MAX_LINES = 100;
export const MAX_QUANTITY = 1_000;
const MAX_PRICE_CENTS = 100_000_000;
/** Levels of objects and arrays inside `data`, itself included. */
const MAX_DATA_DEPTH = 32;

/** Thirteen digits from 978 or 979, the last of them a check digit (ISO 2108). */
export function isIsbn13(text: string): boolean {
  if (!/^97[89][0-9]{10}$/.test(text)) return false;
  let sum = 0;
  for (let i = 0; i < 13; i++) sum += Number(text[i]) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

const Isbn = Type.Refine(
  Type.String({ minLength: 13, maxLength: 13 }),
  (value) => isIsbn13(value),
  () => 'must be an ISBN of 13 digits with the right check digit',
);

const Line = Type.Object({
  isbn: Isbn,
  title: Type.String({ minLength: 1, maxLength: 500 }),
  quantity: Type.Integer({ minimum: 1, maximum: MAX_QUANTITY }),
  /** Of one copy, as it was when the order was placed. */
  price_cents: Type.Integer({ minimum: 0, maximum: MAX_PRICE_CENTS }),
});

const Data = Type.Refine(
  Type.Object({ customer_id: Id, lines: Type.Array(Line, { minItems: 1, maxItems: MAX_LINES }) }),
  (value) => isWithinDepth(value, MAX_DATA_DEPTH),
  () => `must be an object of at most ${MAX_DATA_DEPTH} levels`,
);

export const ORDER_PLACED_SCHEMA = Type.Object(
  {
    event_id: Id,
    event_type: Type.Literal(EVENT_TYPE),
    order_id: Id,
    timestamp: Timestamp,
    data: Data,
  },
  { additionalProperties: false },
);

export type OrderLine = Static<typeof Line>;
export type OrderPlaced = Static<typeof ORDER_PLACED_SCHEMA>;

export const ORDER_PLACED_CONTRACT: Contract<OrderPlaced> = contractOf(ORDER_PLACED_SCHEMA);

export function copiesIn(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

export function centsOf(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, { quantity, price_cents }) => sum + quantity * price_cents, 0);
}
