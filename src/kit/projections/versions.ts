/**
 * Which version of a projection is live. A rebuild fills another version beside it and moves this pointer; what it is made of:
 * - one atomic value per projection, changed by compare-and-set only;
 * - the owners' fence: an owner that claimed an earlier version is fenced there before the pointer moves, so it cannot
 *   apply what nobody would see. Correctness never depends on how fresh a reader's view of the pointer is.
 * Adapters: `versions-file.ts`, `versions-redis.ts`.
 */
export interface Versions {
  readonly live: number;
  /** The greatest number given out so far: none is used twice. */
  readonly last: number;
  readonly work: VersionWork | null;
  /** Live before this one, and kept. */
  readonly kept: number | null;
  /** To be removed once `dropAt` has come: readers may hold on to them for a moment. */
  readonly retired: readonly { readonly version: number; readonly dropAt: number }[];
}

/** A rebuild under way. One that is not renewed in time is over, and whoever notices says so. */
export interface VersionWork {
  readonly token: string;
  /** What is being filled: a number of its own, or the live one. */
  readonly version: number;
  /** Nobody but the rebuild claims or applies. */
  readonly switching: boolean;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** @throws KitError STORE_UNAVAILABLE from both */
export interface VersionPointer {
  /** `FIRST_VERSIONS` where nothing was ever written. */
  read(): Promise<Versions>;
  /** @returns false, and changes nothing, unless the value is still as expected */
  compareAndSet(expected: Versions, next: Versions): Promise<boolean>;
}

export const FIRST_VERSIONS: Versions = { live: 1, last: 1, work: null, kept: null, retired: [] };

/** Without a rebuild that has run out of time; what it was filling is to be dropped, unless it is live. */
export function withoutExpired(versions: Versions, now: number): Versions {
  const { work } = versions;
  return work === null || work.until > now ? versions : withoutWork(versions, now);
}

/** The rebuild ends without a swap. */
export function withoutWork(versions: Versions, now: number): Versions {
  const { work, live, retired } = versions;
  if (work === null) return versions;
  const left = work.version === live ? [] : [{ version: work.version, dropAt: now }];
  return { ...versions, work: null, retired: [...retired, ...left] };
}
