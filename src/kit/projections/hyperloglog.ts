/**
 * HyperLogLog: how many different items there were, within a stated error, in a document of bounded size.
 *
 * A register is a text field of one letter that only grows, so a sketch is filled through `max` deltas, and any order, any
 * repetition and any merge of two sketches give the same document.
 *
 * Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (AofA 2007); a hash of 64 bits, so that no cardinality is too large: Heule, Nunkesser,
 * Hall, "HyperLogLog in Practice" (EDBT 2013); the estimate without tables and without bias at either end: Ertl, "New
 * cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6, as Redis has it.
 */
import { hash } from 'node:crypto';
import type { Document } from './projection-store.ts';

/** The first 64 bits of an item's SHA-256: the same on every machine, for ever. */
export interface ItemHash {
  readonly high: number;
  readonly low: number;
}

const HASH_BITS = 64;
const MAX_PRECISION = 16;
/** Rank 1 is `A`. */
const BEFORE_FIRST_LETTER = 64;
const REGISTER = /^r([0-9a-z]{1,4})$/;

export function hashOf(item: string): ItemHash {
  const hex = hash('sha256', item);
  return { high: Number.parseInt(hex.slice(0, 8), 16), low: Number.parseInt(hex.slice(8, 16), 16) };
}

/**
 * For the `max` of a delta: the one register that an item touches.
 *
 * @param precision 4 to 16; a sketch has `2 ** precision` registers, and all of its items the same precision
 */
export function registerOf({ high, low }: ItemHash, precision: number): Readonly<Record<string, string>> {
  checkPrecision(precision);
  const index = high >>> (32 - precision);
  const rest = (high << precision) >>> 0;
  const zeros = rest === 0 ? 32 - precision + Math.clz32(low) : Math.clz32(rest);
  const place = HASH_BITS * index + zeros;
  let register = registers.get(place);
  if (register === undefined) {
    register = { [`r${index.toString(36)}`]: String.fromCharCode(BEFORE_FIRST_LETTER + zeros + 1) };
    if (registers.size >= MAX_REGISTERS) registers.clear();
    registers.set(place, register);
  }
  return register;
}

/** Those of late, as objects with one name of thousands are slow to make. */
const registers = new Map<number, Readonly<Record<string, string>>>();
const MAX_REGISTERS = 20_000;

/** Of all sketches of one precision together; their other fields are passed over. 0 where there is none. */
export function estimateOf(sketches: Iterable<Document | null>, precision: number): number {
  checkPrecision(precision);
  const size = 2 ** precision;
  const ranks = new Uint8Array(size);
  for (const sketch of sketches) {
    for (const name in sketch) {
      const index = Number.parseInt(REGISTER.exec(name)?.[1] ?? '', 36);
      const letter = sketch[name];
      if (!(index < size) || typeof letter !== 'string' || letter.length !== 1) continue;
      ranks[index] = Math.max(ranks[index]!, letter.charCodeAt(0) - BEFORE_FIRST_LETTER);
    }
  }
  return Math.round(estimate(ranks, precision));
}

/** Of an estimate, relative: two thirds of all estimates are within it, 99.7 % within three times as much. */
export function standardErrorOf(precision: number): number {
  checkPrecision(precision);
  return 1.04 / Math.sqrt(2 ** precision);
}

function estimate(ranks: Uint8Array, precision: number): number {
  const size = ranks.length;
  const maxRank = HASH_BITS - precision + 1;
  const counts = new Uint32Array(maxRank + 1);
  for (const rank of ranks) counts[Math.min(rank, maxRank)]! += 1;
  let sum = size * tau(1 - counts[maxRank]! / size);
  for (let rank = maxRank - 1; rank >= 1; rank--) sum = 0.5 * (sum + counts[rank]!);
  sum += size * sigma(counts[0]! / size);
  return (size * size) / (2 * Math.LN2 * sum);
}

/** Corrects for registers that are still empty; infinite where all are. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let power = share;
  let sum = share;
  for (let weight = 1, before = -1; before !== sum; weight *= 2) {
    power *= power;
    before = sum;
    sum += power * weight;
  }
  return sum;
}

/** Corrects for registers that are full. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let root = share;
  let sum = 1 - share;
  for (let weight = 0.5, before = -1; before !== sum; weight *= 0.5) {
    root = Math.sqrt(root);
    before = sum;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}

function checkPrecision(precision: number): void {
  if (!Number.isInteger(precision) || precision < 4 || precision > MAX_PRECISION)
    throw new RangeError(`precision must be 4 to ${MAX_PRECISION}, not ${precision}`);
}
