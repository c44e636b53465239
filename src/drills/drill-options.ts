import type { Sabotage } from './sabotage.ts';

export interface DrillOptions {
  /** Events per second offered. */
  readonly ratePerSecond: number;
  readonly seed: number;
  /** Multiplies the lengths of a drill's phases; CI runs shorter ones. */
  readonly scale: number;
  /** Harness only: takes a safeguard away, to show that the drill notices. */
  readonly sabotage: Sabotage | null;
  /** Fewer than three, where what is proved needs no second one. */
  readonly brokers?: number;
}
