/** Values over time, drawn by uPlot, with what they are in words and the table behind them. */
import 'uplot/dist/uPlot.min.css';
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock, tick } from '../format.ts';
import { shown } from '../theme.ts';
import type { ChartProps, Series } from './chart-props.ts';
import { ChartTable } from './chart-table.tsx';

const DASH = [5, 3];

export function Chart(props: ChartProps) {
  const { title, format, times, series, marks = [], height = 150, timeText = clockText, empty, note } = props;
  /** Index under the pointer. */
  const hovered = useSignal<number | null>(null);
  const isEmpty = times.length < 2 || series.every(({ values }) => values.every((value) => value === null));
  const shape = series.map(({ label, color, dashed, filled }) => `${label}|${color}|${dashed}|${filled}`).join();
  const at = hovered.value === null || hovered.value >= times.length ? times.length - 1 : hovered.value;
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        {series.map(({ label, values, color, dashed }, index) => (
          <span class="chart-key" key={label}>
            <svg viewBox="0 0 18 8" aria-hidden="true">
              <path
                d="M0 4h18"
                stroke={`var(--series-${color ?? index + 1})`}
                stroke-width="2"
                {...(dashed ? { 'stroke-dasharray': DASH.join(' ') } : {})}
              />
            </svg>
            {label} <b>{format(values[at] ?? null)}</b>
          </span>
        ))}
        <span class="chart-key">{hovered.value === null ? note : timeText(times[at] ?? Number.NaN)}</span>
      </figcaption>
      {isEmpty ? (
        <div class="chart-empty" style={{ height: `${height}px` }}>
          {empty ?? 'Nothing was measured yet.'}
        </div>
      ) : (
        <>
          <Plot
            // its colours and lines are made once: others are another plot
            key={`${shown.value} ${height} ${shape}`}
            {...props}
            onHover={(index) => {
              hovered.value = index;
            }}
          />
          <ChartTable {...{ title, format, times, series, marks, timeText }} />
        </>
      )}
    </figure>
  );
}

function clockText(ms: number): string {
  return clock(ms, false);
}

interface PlotProps extends ChartProps {
  readonly onHover: (index: number | null) => void;
}

function Plot(props: PlotProps) {
  const { times, series, height = 150, onHover } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  useLayoutEffect(() => {
    const data = [times.map((at) => at / 1_000), ...series.map(({ values }) => values)] as uPlot.AlignedData;
    const element = box.current!;
    if (plot.current === null) {
      const size = { width: element.clientWidth || 300, height };
      plot.current = new uPlot(optionsOf(series, size, latest, onHover), data, element);
    } else {
      plot.current.setData(data);
    }
  });
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0 && width !== plot.current?.width) plot.current?.setSize({ width, height: plot.current.height });
    });
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
    };
  }, []);
  return <div class="chart-plot" ref={box} aria-hidden="true" />;
}

type Latest = { readonly current: ChartProps };

function optionsOf(
  series: readonly Series[],
  size: { readonly width: number; readonly height: number },
  latest: Latest,
  onHover: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const font = `11px ${color('--font')}`;
  const axis = { stroke: color('--muted'), font, ticks: { show: false } };
  const { timeText, logarithmic = false } = latest.current;
  return {
    ...size,
    // half of a time of day fits beside the last tick
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: {
        time: timeText === undefined,
        range: (_plot, min, max) => {
          const { span } = latest.current;
          return span === undefined ? [min, max] : [span[0] / 1_000, span[1] / 1_000];
        },
      },
      y: logarithmic
        ? { distr: 3, range: (_plot, min, max) => (max > 0 ? uPlot.rangeLog(min, max, 10, true) : [1, 10]) }
        : { range: (_plot, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        size: 26,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((at) => timeText?.(at * 1_000) ?? tick(at * 1_000, step * 1_000)),
      },
      {
        ...axis,
        grid: { stroke: color('--line'), width: 1, ...(logarithmic ? { filter: decades } : {}) },
        space: 32,
        size: 64,
        ...(logarithmic ? { filter: decades } : {}),
        // what the filter leaves out is null
        values: (_plot, splits) =>
          splits.map((value) => (value === null ? '' : axisText(latest.current.format(value)))),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color: own, dashed, filled }, index) => {
        const stroke = color(`--series-${own ?? index + 1}`);
        return {
          label,
          stroke,
          width: 1.5,
          spanGaps: false,
          points: { show: false },
          ...(dashed ? { dash: DASH } : {}),
          ...(filled ? { fill: `${stroke}22` } : {}),
        };
      }),
    ],
    hooks: {
      setCursor: [({ cursor }) => onHover(cursor.idx ?? null)],
      draw: [(plot) => drawMarks(plot, latest.current.marks ?? [], color('--line-strong'))],
    },
  };
}

/** 1, 10, 100 and so on. */
function decades(_plot: uPlot, splits: readonly number[]): (number | null)[] {
  return splits.map((value) => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? value : null));
}

function drawMarks({ ctx, bbox, valToPos }: uPlot, marks: NonNullable<ChartProps['marks']>, color: string): void {
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at } of marks) {
    const x = Math.round(valToPos(Date.parse(at) / 1_000, 'x', true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** `50.0/s` -> `50/s`: what is round is written so */
function axisText(text: string): string {
  return text.replace(/\.0(?!\d)/, '');
}
