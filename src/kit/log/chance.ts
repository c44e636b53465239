/** What chance alone would do: the few pieces of statistics that a distribution of keys is judged by. */

export interface ChiSquare {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  /** How far the statistic lies above (or below) what chance gives, in standard deviations (Wilson and Hilferty, 1931). */
  readonly zScore: number;
  /** The probability that chance alone is at least this uneven; below 0.001 the spread is not a good hash's. */
  readonly pValue: number;
}

/** Pearson's test of counts against an even spread. */
export function chiSquare(counts: readonly number[]): ChiSquare {
  const degreesOfFreedom = counts.length - 1;
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  if (degreesOfFreedom < 1 || expected === 0) return { statistic: 0, degreesOfFreedom, zScore: 0, pValue: 1 };
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2, 0) / expected;
  const spread = 2 / (9 * degreesOfFreedom);
  const zScore = (Math.cbrt(statistic / degreesOfFreedom) - (1 - spread)) / Math.sqrt(spread);
  return { statistic, degreesOfFreedom, zScore, pValue: normalTail(zScore) };
}

/** P(Z > z) of the standard normal; Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** The mean number of `bins` that are hit when `balls` fall at random. */
export function expectedUsedBins(balls: number, bins: number): number {
  return bins * (1 - (1 - 1 / bins) ** balls);
}

/** P(X <= x) for the number of balls in one bin. */
type Cumulative = (x: number) => number;

/** What lies further out than this weighs less than 1e-20. */
const REACH_SDS = 10;

/** The binomial distribution of the balls in one of `bins`, summed over the values that matter. */
export function ballsInOneBin(
  balls: number,
  bins: number,
): { readonly atMost: Cumulative; readonly expectedMax: number } {
  if (bins === 1) return { atMost: (x) => (x >= balls ? 1 : 0), expectedMax: balls };
  const mean = balls / bins;
  const reach = REACH_SDS * Math.sqrt(mean) + 3 * REACH_SDS;
  const first = Math.max(0, Math.floor(mean - reach));
  const last = Math.min(balls, Math.ceil(mean + reach));
  const odds = 1 / (bins - 1);
  let mass = Math.exp(
    logFactorial(balls) -
      logFactorial(first) -
      logFactorial(balls - first) -
      first * Math.log(bins) +
      (balls - first) * Math.log1p(-1 / bins),
  );
  let sum = 0;
  const cumulative: number[] = [];
  for (let x = first; x <= last; x++) {
    sum += mass;
    cumulative.push(Math.min(1, sum));
    mass *= ((balls - x) / (x + 1)) * odds;
  }
  return {
    atMost: (x) => (x < first ? 0 : (cumulative[Math.floor(x) - first] ?? 1)),
    // Sum of P(max > x), taking the bins as independent.
    expectedMax: cumulative.reduce((total, share) => total + (1 - share ** bins), first),
  };
}

/** ln n!; Stirling's series, exact to 1e-10 from 10 on. */
function logFactorial(n: number): number {
  let correction = 0;
  let x = n + 1;
  for (; x < 10; x++) correction += Math.log(x);
  return (
    (x - 0.5) * Math.log(x) -
    x +
    Math.log(2 * Math.PI) / 2 +
    1 / (12 * x) -
    1 / (360 * x ** 3) +
    1 / (1260 * x ** 5) -
    correction
  );
}
