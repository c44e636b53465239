/** Where things stand on the map, in pixels of its own width. Pure. */
import type { Flow, FlowEdge, FlowNode } from './flow-model.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedNode extends FlowNode, Box {}

export interface PlacedEdge extends FlowEdge {
  /** Of a path. */
  readonly path: string;
  /** Where its text stands, at its middle. */
  readonly at: { readonly x: number; readonly y: number };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  /** Headings of columns; none where there is room for no columns. */
  readonly heads: readonly { readonly x: number; readonly text: string }[];
}

const NODE_HEIGHT = 40;
const ROW = 52;
const HEAD = 30;
const NARROW = 720;
/** Of the whole, for each column of nodes and the room before it. */
const COLUMNS = [
  { start: 0, width: 0.125, head: 'Producers' },
  { start: 0.215, width: 0.185, head: 'Topics' },
  { start: 0.475, width: 0.205, head: 'Consumer groups' },
  { start: 0.765, width: 0.235, head: 'Projections' },
] as const;

export function layoutOf(flow: Flow, width: number): Layout {
  const boxes = width < NARROW ? narrow(flow, width) : wide(flow, width);
  const nodes = [...boxes.placed.values()];
  const edges = flow.edges.flatMap((edge) => {
    const [from, to] = [boxes.placed.get(edge.from), boxes.placed.get(edge.to)];
    if (from === undefined || to === undefined) return [];
    // where there is one column for both, lines run behind what stands between
    return [placedEdge(to.x < from.x + from.width ? { ...edge, text: '' } : edge, from, to)];
  });
  const height = Math.max(...nodes.map((node) => node.y + node.height)) + 4;
  return { width, height, nodes, edges, heads: boxes.heads };
}

interface Placing {
  readonly placed: ReadonlyMap<string, PlacedNode>;
  readonly heads: Layout['heads'];
}

function wide({ producers, topics, groups, projections, deadLetters }: Flow, width: number): Placing {
  const rows = Math.max(groups.length, topics.length, 1) + (deadLetters === null ? 0 : 1);
  const columns = COLUMNS.map(({ start, width: share }) => ({ x: start * width, width: share * width }));
  const placed = new Map<string, PlacedNode>();
  const put = (node: FlowNode, column: number, row: number) =>
    placed.set(node.id, { ...node, ...columns[column]!, y: HEAD + row * ROW, height: NODE_HEIGHT });
  const middle = (rows - 1 - (deadLetters === null ? 0 : 1)) / 2;
  put(producers, 0, middle);
  for (const [index, topic] of topics.entries()) put(topic, 1, spread(index, topics.length, 2 * middle));
  for (const [index, group] of groups.entries()) put(group, 2, index);
  // a projection stands beside the group that feeds it
  for (const [index, projection] of projections.entries()) put(projection, 3, index);
  if (deadLetters !== null) put(deadLetters, 2, rows - 1);
  return { placed, heads: COLUMNS.map(({ head }, index) => ({ x: columns[index]!.x, text: head })) };
}

/** Two columns, the producers above them; projections are found behind their groups. */
function narrow({ producers, topics, groups, deadLetters }: Flow, width: number): Placing {
  const left = { x: 0, width: width * 0.43 };
  const right = { x: width * 0.53, width: width * 0.47 };
  const placed = new Map<string, PlacedNode>();
  const put = (node: FlowNode, box: { x: number; width: number }, row: number) =>
    placed.set(node.id, { ...node, ...box, y: row * ROW, height: NODE_HEIGHT });
  put(producers, left, 0);
  const last = groups.length - 1;
  for (const [index, topic] of topics.entries())
    put(topic, left, 1.5 + spread(index, topics.length, Math.max(last - 1.5, 2)));
  for (const [index, group] of groups.entries()) put(group, right, index);
  if (deadLetters !== null) put(deadLetters, right, groups.length);
  return { placed, heads: [] };
}

/** Evenly from the first row to the last, half a step in from either end. */
function spread(index: number, of: number, rows: number): number {
  return of === 1 ? rows / 2 : ((index + 0.5) * (rows + 1)) / of - 0.5;
}

function placedEdge(edge: FlowEdge, from: Box, to: Box): PlacedEdge {
  const isBelow = to.x < from.x + from.width;
  const start = isBelow
    ? { x: from.x + from.width / 2, y: from.y + from.height }
    : { x: from.x + from.width, y: from.y + from.height / 2 };
  const end = isBelow ? { x: to.x + to.width / 2, y: to.y } : { x: to.x, y: to.y + to.height / 2 };
  const bend = (end.x - start.x) / 2;
  const drop = (end.y - start.y) / 2;
  const path = isBelow
    ? `M${points(start)}C${points({ x: start.x, y: start.y + drop })} ${points({ x: end.x, y: end.y - drop })} ${points(end)}`
    : `M${points(start)}C${points({ x: start.x + bend, y: start.y })} ${points({ x: end.x - bend, y: end.y })} ${points(end)}`;
  return { ...edge, path, at: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 } };
}

function points({ x, y }: { readonly x: number; readonly y: number }): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** Of a line: a decade more is half a pixel and a bit more. */
export function lineWidth(perSecond: number | null): number {
  return perSecond === null || perSecond <= 0 ? 1 : Math.min(4.5, 1.25 + 0.65 * Math.log10(1 + perSecond));
}
