/** Throughput and latency over time with the marks of the drill, as one SVG file without a script. */
import type { DrillReport } from './report.ts';

const WIDTH = 1_000;
const PANEL = 200;
const LEFT = 70;
const RIGHT = 20;
const TOP = 70;
const GAP = 60;
const HEIGHT = TOP + 2 * PANEL + GAP + 50;
const TICKS = 4;
const SECONDS_PER_LABEL = [1, 2, 5, 10, 20, 30, 60, 120];
const MAX_SECOND_LABELS = 16;
/** Latency is shown on a logarithmic axis from 1 ms. */
const DECADES = [1, 10, 100, 1_000, 10_000, 100_000];

interface Series {
  readonly name: string;
  readonly colour: string;
  /** In the panel's own unit; null leaves a hole in the line. */
  readonly values: readonly (number | null)[];
}

interface Panel {
  readonly title: string;
  readonly top: number;
  readonly series: readonly Series[];
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
  /** A value to a share of the panel's height, 0 to 1. */
  readonly height: (value: number) => number;
}

export function plot(report: DrillReport): string {
  const { timeline, bucketMs, marks } = report;
  const spanMs = Math.max(bucketMs, timeline.length * bucketMs, ...marks.map(({ atMs }) => atMs));
  const x = (atMs: number) => round(LEFT + (Math.max(0, atMs) / spanMs) * (WIDTH - LEFT - RIGHT));
  const panels = [throughputPanel(report), latencyPanel(report)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(report.drill)}: throughput and latency over time</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="16" font-weight="600">${escaped(report.drill)}: ${report.passed ? 'passed' : 'failed'}</text>`,
    `<text x="${LEFT}" y="42" fill="#555">${escaped(report.proves)}</text>`,
    ...panels.flatMap((panel) => drawPanel(panel, (bucket) => x((bucket + 0.5) * bucketMs))),
    ...seconds(spanMs, x),
    ...marks.flatMap(({ atMs, label }, index) => drawMark(x(atMs), label, index)),
    '</svg>\n',
  ].join('\n');
}

function throughputPanel({ timeline, bucketMs }: DrillReport): Panel {
  const perSecond = (count: number) => (count * 1000) / bucketMs;
  const top = niceCeiling(Math.max(1, ...timeline.flatMap(({ acked, applied }) => [acked, applied]).map(perSecond)));
  return {
    title: 'events per second',
    top: TOP,
    series: [
      { name: 'applied', colour: '#2a9d5c', values: timeline.map(({ applied }) => perSecond(applied)) },
      { name: 'acknowledged', colour: '#1f5fbf', values: timeline.map(({ acked }) => perSecond(acked)) },
    ],
    ticks: Array.from({ length: TICKS + 1 }, (_, i) => (top * i) / TICKS).map((value) => ({
      value,
      label: Math.round(value).toLocaleString('en-US'),
    })),
    height: (value) => value / top,
  };
}

function latencyPanel({ timeline }: DrillReport): Panel {
  const highest = Math.max(10, ...timeline.map(({ maxMs }) => maxMs ?? 0));
  const decades = DECADES.filter((_, i) => i === 0 || DECADES[i - 1]! < highest);
  const top = Math.log10(decades.at(-1)!);
  return {
    title: 'publish to acknowledgement, ms (logarithmic)',
    top: TOP + PANEL + GAP,
    series: [
      { name: 'longest', colour: '#c2452d', values: timeline.map(({ maxMs }) => maxMs) },
      { name: '99 %', colour: '#d99a2b', values: timeline.map(({ p99Ms }) => p99Ms) },
      { name: 'median', colour: '#1f5fbf', values: timeline.map(({ p50Ms }) => p50Ms) },
    ],
    ticks: decades.map((value) => ({ value, label: value.toLocaleString('en-US') })),
    height: (value) => Math.log10(Math.max(1, value)) / top,
  };
}

function drawPanel(panel: Panel, x: (bucket: number) => number): string[] {
  const y = (value: number) => round(panel.top + PANEL * (1 - Math.min(1, panel.height(value))));
  const legend = panel.series.map(({ name, colour }, index) => {
    const at = WIDTH - RIGHT - 110 * (panel.series.length - index);
    return `<rect x="${at}" y="${panel.top - 17}" width="12" height="3" fill="${colour}"/><text x="${at + 17}" y="${panel.top - 11}">${name}</text>`;
  });
  return [
    `<text x="${LEFT}" y="${panel.top - 11}" font-weight="600">${panel.title}</text>`,
    ...legend,
    ...panel.ticks.map(
      ({ value, label }) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#e4e4e4"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end" fill="#555">${label}</text>`,
    ),
    ...panel.series.map(
      ({ values, colour }) =>
        `<path d="${line(values, x, y)}" fill="none" stroke="${colour}" stroke-width="1.6" stroke-linejoin="round"/>`,
    ),
  ];
}

/** A new stroke begins after every hole. */
function line(values: readonly (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  return values
    .map((value, i) => {
      if (value === null) return '';
      const begins = i === 0 || values[i - 1] === null;
      return `${begins ? 'M' : 'L'}${x(i)} ${y(value)}`;
    })
    .join('');
}

function drawMark(at: number, label: string, index: number): string[] {
  // labels of marks close together do not cover each other
  const y = TOP + 12 + (index % 6) * 14;
  const bottom = TOP + 2 * PANEL + GAP;
  const [anchor, offset] = at > WIDTH * 0.8 ? ['end', -5] : ['start', 5];
  return [
    `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${bottom}" stroke="#7a2ea0" stroke-dasharray="4 3"/>`,
    `<text x="${at + offset}" y="${y}" text-anchor="${anchor}" fill="#7a2ea0" paint-order="stroke" stroke="#fff" stroke-width="3">${escaped(label)}</text>`,
  ];
}

function seconds(spanMs: number, x: (atMs: number) => number): string[] {
  const total = spanMs / 1000;
  const step = SECONDS_PER_LABEL.find((each) => total / each <= MAX_SECOND_LABELS) ?? Math.ceil(total / 10);
  const y = TOP + 2 * PANEL + GAP + 18;
  return Array.from(
    { length: Math.floor(total / step) + 1 },
    (_, i) => `<text x="${x(i * step * 1000)}" y="${y}" text-anchor="middle" fill="#555">${i * step} s</text>`,
  );
}

function niceCeiling(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * decade).find((step) => step >= value)!;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
