/** Where a page of a feed ended, as a text that means nothing to others. */
import { KitError } from '../../kit/errors.ts';
import { isId } from '../../kit/schemas/formats.ts';
import { higherFirst, type Rank, type RankedPost } from './feed-ranking.ts';

export interface FeedPage {
  readonly items: readonly RankedPost[];
  /** For the page after this one; null on the last. */
  readonly next_cursor: string | null;
}

export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

const SCORE_BYTES = 8;

/** base64url of the score's eight bytes (IEEE 754, big-endian) and the content id. */
export function cursorOf({ score, content_id }: Rank): string {
  const bytes = Buffer.alloc(SCORE_BYTES + Buffer.byteLength(content_id));
  bytes.writeDoubleBE(score);
  bytes.write(content_id, SCORE_BYTES);
  return bytes.toString('base64url');
}

/** @throws KitError INVALID_ARGUMENT when it is not one of ours */
export function rankOf(cursor: string): Rank {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length > SCORE_BYTES) {
    const rank = { score: bytes.readDoubleBE(), content_id: bytes.toString('utf8', SCORE_BYTES) };
    if (Number.isFinite(rank.score) && isId(rank.content_id) && cursorOf(rank) === cursor) return rank;
  }
  throw new KitError(
    'INVALID_ARGUMENT',
    'query cursor: is not a next_cursor of a feed; leave it out to begin at the top',
  );
}

/** What comes after a page that ended there. */
export function below<T extends Rank>(ranked: readonly T[], end: Rank | null): T[] {
  return end === null ? [...ranked] : ranked.filter((post) => higherFirst(end, post) < 0);
}
