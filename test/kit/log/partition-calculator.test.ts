import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chiSquare } from '../../../src/kit/log/chance.ts';
import { PartitionCalculator } from '../../../src/kit/log/partition-calculator.ts';

const calculator = new PartitionCalculator();
const users = (count: number) => Array.from({ length: count }, (_, index) => `user_${index}`);

function near(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

describe('partitionsFor', () => {
  test('is max(int(target / consumer * safety), 1)', () => {
    const plans = [50_000_000, 1_000_000, 100_000, 1_000, 0].map((target) => calculator.partitionsFor(target));
    assert.deepEqual(plans, [1500, 30, 3, 1, 1]);
    assert.equal(new PartitionCalculator({ consumerRps: 10_000, safety: 2 }).partitionsFor(1_000_000), 200);
  });

  test('refuses what is no rate', () => {
    for (const target of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => calculator.partitionsFor(target), { code: 'INVALID_ARGUMENT' });
    }
    assert.throws(() => new PartitionCalculator({ consumerRps: 0 }), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => new PartitionCalculator({ safety: -1 }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('distributionReport', () => {
  test('1,000 users over 1,000 partitions use more than 600, where an ideal hash uses 632', () => {
    const report = calculator.distributionReport(users(1_000), 1_000);
    assert(report.usedPartitions > 600);
    near(report.ideal.usedPartitions, 632.3, 0.1);
    // Poisson with mean 1: hot is two and more (26.4 %), cold is none at all (36.8 %).
    near(report.ideal.hotPartitions, 264, 1);
    near(report.ideal.coldPartitions, 368, 1);
    near(report.ideal.maxKeys, 5.5, 0.5);
    assert.equal(report.healthy, false);
  });

  test('many users over few partitions are healthy, and chance explains what differs', () => {
    const report = calculator.distributionReport(users(100_000), 12);
    assert.equal(report.healthy, true);
    assert.deepEqual([report.hot, report.cold], [[], []]);
    assert.equal(
      report.counts.reduce((sum, count) => sum + count),
      100_000,
    );
    assert.equal(report.chiSquare.degreesOfFreedom, 11);
    assert(report.chiSquare.pValue > 0.001);
    near(report.ideal.maxKeys, report.mean, 0.03 * report.mean);
    near(report.ideal.usedPartitions, 12, 1e-9);
    near(report.ideal.hotPartitions, 0, 1e-9);
  });

  test('one key with most of the load makes its partition hot, and is named', () => {
    const loads = new Map(users(1_000).map((user, index) => [user, index === 7 ? 5_000 : 1]));
    const report = calculator.distributionReport(loads, 6);
    assert.deepEqual(report.hottestKey, { key: 'user_7', records: 5_000, share: 5_000 / 5_999 });
    assert.equal(report.hot.length, 1);
    assert.equal(report.healthy, false);
    assert(report.chiSquare.pValue < 1e-6, 'the load is uneven');
    assert(report.keyChiSquare.pValue > 0.001, 'the hash is not to blame');
    assert.deepEqual([report.distinctKeys, report.records], [1_000, 5_999]);
  });

  test('repeated keys of a list count as records', () => {
    const report = calculator.distributionReport(['a', 'b', 'a'], 1);
    assert.deepEqual([report.records, report.distinctKeys, report.hottestKey?.key], [3, 2, 'a']);
    assert.equal(report.ideal.maxKeys, 2);
  });

  test('nothing at all is a report too', () => {
    const report = calculator.distributionReport([], 3);
    assert.deepEqual([report.mean, report.usedPartitions, report.hottestKey], [0, 0, null]);
    for (const figure of Object.values(report.ideal)) near(figure, 0, 1e-6);
  });

  test('refuses counts and partitions that are none', () => {
    assert.throws(() => calculator.distributionReport(new Map([['a', 0.5]]), 3), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => calculator.distributionReport(['a'], 0), { code: 'INVALID_ARGUMENT' });
  });

  test('property: what an ideal hash gives agrees with dice', () => {
    const sizes = { balls: fc.integer({ min: 1, max: 3_000 }), bins: fc.integer({ min: 2, max: 200 }) };
    fc.assert(
      fc.property(fc.record(sizes), fc.integer(), ({ balls, bins }, seed) => {
        const { ideal } = calculator.distributionReport(users(balls), bins);
        const random = seededRandom(seed);
        const rounds = 60;
        let used = 0;
        let max = 0;
        for (let round = 0; round < rounds; round++) {
          const counts = new Array<number>(bins).fill(0);
          for (let ball = 0; ball < balls; ball++) counts[Math.floor(random() * bins)]! += 1;
          used += counts.filter((count) => count > 0).length / rounds;
          max += Math.max(...counts) / rounds;
        }
        near(ideal.usedPartitions, used, 1 + 0.05 * used);
        near(ideal.maxKeys, max, 0.6 + 0.05 * max);
      }),
      { numRuns: 25, seed: 1 },
    );
  });
});

describe('chiSquare', () => {
  test('agrees with published tables', () => {
    // 5 % and 0.1 % points of 9 degrees of freedom: 16.919 and 27.877.
    near(chiSquare(countsWith(16.919)).pValue, 0.05, 0.001);
    near(chiSquare(countsWith(27.877)).pValue, 0.001, 0.0001);
    near(chiSquare(new Array<number>(10).fill(50)).pValue, 1, 1e-6);
  });
});

/** Ten counts around 1,000,000 whose statistic is as asked. */
function countsWith(statistic: number): number[] {
  const mean = 1_000_000;
  const offset = Math.sqrt((statistic * mean) / 10);
  return Array.from({ length: 10 }, (_, index) => mean + (index % 2 === 0 ? offset : -offset));
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
