interface SparklineProps {
  readonly values: readonly (number | null)[];
  /** What it says, for who does not see it: `lag, now 12 records`. */
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
}

/** A course at a glance, beside its number, above a line for nothing: a flat one is seen to be one. */
export function Sparkline({ values, label, width = 90, height = 18 }: SparklineProps) {
  const known = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const top = Math.max(...known.map(({ value }) => value), 1e-9);
  const points = known.map(({ value, index }) => {
    const x = (index / Math.max(values.length - 1, 1)) * (width - 2) + 1;
    return `${x.toFixed(1)},${(height - 1.5 - (value / top) * (height - 3)).toFixed(1)}`;
  });
  return (
    <svg
      class="sparkline"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
    >
      <path d={`M0 ${height - 1.5}H${width}`} stroke="var(--line)" />
      <polyline points={points.join(' ')} fill="none" stroke="var(--accent)" stroke-width="1.5" />
    </svg>
  );
}
