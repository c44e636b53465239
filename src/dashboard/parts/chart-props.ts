import type { ComponentChildren } from 'preact';
import type { Mark } from '../../api/pulse-sample.ts';

export interface Series {
  readonly label: string;
  /** As many as there are times; null: not known then. */
  readonly values: readonly (number | null)[];
  /** Of the palette, 1 to 8; default: its place in the list. */
  readonly color?: number;
  /** Told apart without its colour. */
  readonly dashed?: boolean;
  /** An area rather than a line, e.g. for a backlog. */
  readonly filled?: boolean;
}

export interface ChartProps {
  readonly title: string;
  /** With its unit: `rate`, `duration`, `count` of format.ts. */
  readonly format: (value: number | null) => string;
  /** Epoch milliseconds, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Vertical lines at what happened. */
  readonly marks?: readonly Pick<Mark, 'at' | 'text'>[];
  /** Of the plot, in pixels. */
  readonly height?: number;
  /** What is shown, from and to in epoch milliseconds; default: all of it. */
  readonly span?: readonly [number, number];
  /** How a time is written; default: clock time here. With it times count from a beginning of their own. */
  readonly timeText?: (ms: number) => string;
  /** Decades are equally high: for what may be a thousand times the usual. */
  readonly logarithmic?: boolean;
  /** Said where there is nothing to draw. */
  readonly empty?: string;
  readonly note?: ComponentChildren;
}
