/** Amounts side by side, one bar each, against their mean; with the table behind them. */
import { TableBehind } from './table-behind.tsx';

interface BarsProps {
  readonly title: string;
  /** What one bar is of: `partition`. */
  readonly of: string;
  /** What it counts: `records`. */
  readonly unit: string;
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
  /** Of the plot, in pixels. */
  readonly height?: number;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Stands out, e.g. one that has too much; said in the table as well. */
  readonly marked?: string;
}

/** More do not fit side by side: then each is the largest of its neighbours. */
const MAX_BARS = 400;
const MAX_TABLE_ROWS = 1_000;
const WIDTH = 10;
const GAP = 2;

export function Bars({ title, of, unit, bars, format, height = 140 }: BarsProps) {
  const each = Math.ceil(bars.length / MAX_BARS);
  const drawn = each === 1 ? bars : largestOf(bars, each);
  const mean = bars.reduce((sum, { value }) => sum + value, 0) / Math.max(1, bars.length);
  const top = Math.max(...drawn.map(({ value }) => value));
  const y = (value: number) => 100 - (value / Math.max(top, 1)) * 100;
  const path = (marked: boolean) =>
    drawn
      .map(({ value, marked: mark }, index) =>
        (mark !== undefined) === marked && value > 0
          ? `M${index * WIDTH + GAP / 2} 100V${y(value).toFixed(2)}h${WIDTH - GAP}V100z`
          : '',
      )
      .join('');
  return (
    <figure class="chart bars">
      <figcaption>
        <strong>{title}</strong>
        <span class="chart-key">
          most <b>{format(top)}</b>
        </span>
        <span class="chart-key">
          <svg viewBox="0 0 18 8" aria-hidden="true">
            <path d="M0 4h18" stroke="var(--text)" stroke-width="1.5" stroke-dasharray="3 3" />
          </svg>
          mean <b>{format(mean)}</b>
        </span>
        {each > 1 && (
          <span class="chart-key">
            each bar is the most of {each} {of}s
          </span>
        )}
      </figcaption>
      <svg
        class="bars-plot"
        viewBox={`0 0 ${drawn.length * WIDTH} 100`}
        preserveAspectRatio="none"
        height={height}
        aria-hidden="true"
      >
        <path d={path(false)} fill="var(--series-1)" />
        <path d={path(true)} fill="var(--series-2)" />
        <path
          d={`M0 ${y(mean).toFixed(2)}h${drawn.length * WIDTH}`}
          stroke="var(--text)"
          stroke-width="1"
          stroke-dasharray="3 3"
          vector-effect="non-scaling-stroke"
        />
      </svg>
      <div class="bars-axis small muted" aria-hidden="true">
        <span>
          {of} {bars[0]?.label}
        </span>
        <span>
          {of} {bars.at(-1)?.label}
        </span>
      </div>
      <BarsTable title={title} of={of} unit={unit} bars={bars} format={format} />
    </figure>
  );
}

function BarsTable({ title, of, unit, bars, format }: Pick<BarsProps, 'title' | 'of' | 'unit' | 'bars' | 'format'>) {
  const more = bars.length > MAX_TABLE_ROWS && <p class="muted">… and {bars.length - MAX_TABLE_ROWS} more.</p>;
  return (
    <TableBehind title={title} after={more}>
      {() => (
        <>
          <thead>
            <tr>
              <th scope="col">{of}</th>
              <th scope="col" class="number">
                {unit}
              </th>
              <th scope="col">Note</th>
            </tr>
          </thead>
          <tbody>
            {bars.slice(0, MAX_TABLE_ROWS).map(({ label, value, marked }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td class="number">{format(value)}</td>
                <td>{marked}</td>
              </tr>
            ))}
          </tbody>
        </>
      )}
    </TableBehind>
  );
}

function largestOf(bars: readonly Bar[], each: number): Bar[] {
  return Array.from({ length: Math.ceil(bars.length / each) }, (_, index) =>
    bars.slice(index * each, (index + 1) * each).reduce((most, bar) => (bar.value > most.value ? bar : most)),
  );
}
