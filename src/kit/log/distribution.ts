import { KitError } from '../errors.ts';
import { atOnce, type Interruptible } from '../giving-way.ts';
import { ballsInOneBin, type ChiSquare, chiSquare, expectedUsedBins } from './chance.ts';
import { hashOfKey } from './partitioner.ts';

const HOT_FACTOR = 1.5;
const COLD_FACTOR = 0.5;
const MAX_COLD_SHARE = 0.1;

export interface DistributionReport {
  readonly partitions: number;
  readonly records: number;
  readonly distinctKeys: number;
  /** Records by partition. */
  readonly counts: readonly number[];
  readonly mean: number;
  /** Partitions with more than 1.5 times the mean. */
  readonly hot: readonly number[];
  /** Partitions with less than half of the mean. */
  readonly cold: readonly number[];
  /** No hot partition, and at most one in ten cold. */
  readonly healthy: boolean;
  readonly usedPartitions: number;
  readonly hottestKey: { readonly key: string; readonly records: number; readonly share: number } | null;
  /** Of records: uneven also where a few keys carry much. */
  readonly chiSquare: ChiSquare;
  /** Of distinct keys: judges the hash alone. */
  readonly keyChiSquare: ChiSquare;
  /**
   * What a perfect hash gives for as many distinct keys: means, counted in keys. With few keys per partition it makes
   * hot and cold ones too; only more keys, or fewer partitions, help there.
   */
  readonly ideal: {
    readonly usedPartitions: number;
    readonly maxKeys: number;
    readonly hotPartitions: number;
    readonly coldPartitions: number;
  };
}

/** Characters of keys that are hashed between two interruptions. */
const MAX_CHARS = 32 * 1024;
const KEY_OVERHEAD_CHARS = 32;

/**
 * How keys spread over partitions.
 *
 * @param keysOrCounts the key of every record, or how many records each key has
 * @throws KitError INVALID_ARGUMENT for a count that is not a whole number above 0, or `partitions` below 1
 */
export function distributionReport(
  keysOrCounts: Iterable<string> | ReadonlyMap<string, number>,
  partitions: number,
): DistributionReport {
  const byKey = keysOrCounts instanceof Map ? keysOrCounts : countKeys(keysOrCounts as Iterable<string>);
  return atOnce(distributionReports(byKey, [partitions]))[0]!;
}

/** The same for several numbers of partitions, in one pass over the keys. @throws KitError INVALID_ARGUMENT */
export function* distributionReports(
  byKey: ReadonlyMap<string, number>,
  partitionCounts: readonly number[],
): Interruptible<DistributionReport[]> {
  const spreads = partitionCounts.map((partitions) => new Spread(partitions));
  let hottest = { key: '', records: 0 };
  let chars = 0;
  for (const [key, count] of byKey) {
    if (!Number.isInteger(count) || count < 1) {
      throw new KitError('INVALID_ARGUMENT', `the count of a key must be a positive integer, not ${count}`);
    }
    const hash = hashOfKey(key);
    for (const spread of spreads) spread.add(hash, count);
    if (count > hottest.records) hottest = { key, records: count };
    chars += KEY_OVERHEAD_CHARS + key.length;
    if (chars < MAX_CHARS) continue;
    chars = 0;
    yield;
  }
  const reports: DistributionReport[] = [];
  for (const spread of spreads) {
    reports.push(spread.report(byKey.size, hottest));
    yield;
  }
  return reports;
}

class Spread {
  readonly #counts: number[];
  readonly #keyCounts: number[];

  constructor(partitions: number) {
    if (!Number.isInteger(partitions) || partitions < 1) {
      throw new KitError('INVALID_ARGUMENT', `partitions must be a positive integer, not ${partitions}`);
    }
    this.#counts = new Array<number>(partitions).fill(0);
    this.#keyCounts = new Array<number>(partitions).fill(0);
  }

  add(hash: number, records: number): void {
    const partition = hash % this.#counts.length;
    this.#counts[partition]! += records;
    this.#keyCounts[partition]! += 1;
  }

  report(distinctKeys: number, hottest: { readonly key: string; readonly records: number }): DistributionReport {
    const counts = this.#counts;
    const partitions = counts.length;
    const records = counts.reduce((sum, count) => sum + count, 0);
    const mean = records / partitions;
    const hot = indexesWhere(counts, (count) => count > mean * HOT_FACTOR);
    const cold = indexesWhere(counts, (count) => count < mean * COLD_FACTOR);
    return {
      partitions,
      records,
      distinctKeys,
      counts,
      mean,
      hot,
      cold,
      healthy: hot.length === 0 && cold.length <= partitions * MAX_COLD_SHARE,
      usedPartitions: counts.filter((count) => count > 0).length,
      hottestKey: records === 0 ? null : { ...hottest, share: hottest.records / records },
      chiSquare: chiSquare(counts),
      keyChiSquare: chiSquare(this.#keyCounts),
      ideal: idealSpread(distinctKeys, partitions),
    };
  }
}

function idealSpread(keys: number, partitions: number): DistributionReport['ideal'] {
  const mean = keys / partitions;
  const { atMost, expectedMax } = ballsInOneBin(keys, partitions);
  return {
    usedPartitions: expectedUsedBins(keys, partitions),
    maxKeys: expectedMax,
    hotPartitions: partitions * (1 - atMost(mean * HOT_FACTOR)),
    coldPartitions: partitions * atMost(Math.ceil(mean * COLD_FACTOR) - 1),
  };
}

function countKeys(keys: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function indexesWhere(counts: readonly number[], matches: (count: number) => boolean): number[] {
  return counts.flatMap((count, index) => (matches(count) ? [index] : []));
}
