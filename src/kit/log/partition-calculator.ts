import { KitError } from '../errors.ts';
import { type DistributionReport, distributionReport } from './distribution.ts';

export interface PartitionCalculatorOptions {
  /** Records a second that one consumer processes. Default 50,000. */
  readonly consumerRps?: number;
  /** Head room for growth and failures. Default 1.5. */
  readonly safety?: number;
}

/** How many partitions a topic needs for its consumers to keep up: one consumer reads a partition, no more. */
export class PartitionCalculator {
  readonly consumerRps: number;
  readonly safety: number;

  /** @throws KitError INVALID_ARGUMENT */
  constructor({ consumerRps = 50_000, safety = 1.5 }: PartitionCalculatorOptions = {}) {
    this.consumerRps = positive('consumerRps', consumerRps);
    this.safety = positive('safety', safety);
  }

  /**
   * `max(int(targetRps / consumerRps * safety), 1)`.
   *
   * @param targetRps records a second at the peak
   * @throws KitError INVALID_ARGUMENT
   */
  partitionsFor(targetRps: number): number {
    if (!Number.isFinite(targetRps) || targetRps < 0) {
      throw new KitError('INVALID_ARGUMENT', `targetRps must be a number of at least 0, not ${targetRps}`);
    }
    return Math.max(Math.trunc((targetRps / this.consumerRps) * this.safety), 1);
  }

  /** How keys would spread over so many partitions; see `distributionReport`. @throws KitError INVALID_ARGUMENT */
  distributionReport(...args: Parameters<typeof distributionReport>): DistributionReport {
    return distributionReport(...args);
  }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new KitError('INVALID_ARGUMENT', `${name} must be a number above 0, not ${value}`);
}
