/** What the shop sells. */
export interface Book {
  readonly isbn: string;
  readonly title: string;
  readonly price_cents: number;
  /** Copies on the shelf before the first order. */
  readonly opening_stock: number;
}

export type Catalog = ReadonlyMap<string, Book>;

const SHELF: readonly Book[] = [
  { isbn: '9780141439518', title: 'Pride and Prejudice', price_cents: 899, opening_stock: 200 },
  { isbn: '9780141439600', title: 'A Tale of Two Cities', price_cents: 1050, opening_stock: 180 },
  { isbn: '9780141439471', title: 'Frankenstein', price_cents: 799, opening_stock: 150 },
  { isbn: '9780142437247', title: 'Moby-Dick', price_cents: 1499, opening_stock: 160 },
  { isbn: '9780141439846', title: 'Dracula', price_cents: 950, opening_stock: 120 },
];

/** A small one, for examples and tests. By ISBN. */
export const CATALOG: Catalog = new Map(SHELF.map((book) => [book.isbn, book]));
