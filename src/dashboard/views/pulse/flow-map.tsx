/** The flow of events as a live map; every node leads to its own view, and the table behind says the same in words. */
import type { Sample } from '../../../api/pulse-sample.ts';
import { Panel } from '../../parts/page.tsx';
import { SHAPES } from '../../parts/state.tsx';
import { useWidth } from '../../parts/use-width.ts';
import { type Layout, layoutOf, lineWidth, type PlacedEdge, type PlacedNode } from './flow-layout.ts';
import { flowOf } from './flow-model.ts';
import { FlowTable } from './flow-table.tsx';

export function FlowMap({ sample }: { readonly sample: Sample }) {
  const [box, width] = useWidth<HTMLDivElement>();
  const flow = flowOf(sample);
  return (
    <Panel title="The way of an event" note="rates over the last second, latencies over the last ten">
      <div class="flow" ref={box}>
        {width.value > 0 && <Drawing layout={layoutOf(flow, width.value)} />}
      </div>
      {flow.left > 0 && (
        <p class="small muted">
          Not on the map: {flow.left} more, without members or without room. <a href="/consumers">All groups</a>
        </p>
      )}
      <FlowTable groups={sample.groups} />
    </Panel>
  );
}

function Drawing({ layout: { width, height, nodes, edges, heads } }: { readonly layout: Layout }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of links within a drawing
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="group"
      aria-label="Map of the flow: producers, topics, consumer groups, projections"
    >
      {heads.map(({ x, text }) => (
        <text key={text} class="flow-head" x={x} y={14}>
          {text}
        </text>
      ))}
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; the nodes say it all */}
      <g aria-hidden="true">
        {edges.map((edge) => (
          <Edge key={`${edge.from} ${edge.to}`} edge={edge} />
        ))}
      </g>
      {nodes.map((node) => (
        <Node key={node.id} node={node} />
      ))}
    </svg>
  );
}

const CHARACTER_PX = 7.2;
const SMALL_CHARACTER_PX = 6.6;
const LABEL_HEIGHT = 16;

function Edge({ edge: { path, perSecond, kind, text, at } }: { readonly edge: PlacedEdge }) {
  const isFlowing = (perSecond ?? 0) > 0;
  const state = kind === 'warn' || kind === 'bad' ? kind : '';
  const labelWidth = text.length * SMALL_CHARACTER_PX + 8;
  return (
    <g class={`flow-edge ${isFlowing ? 'flowing' : ''} ${state}`}>
      <path d={path} stroke-width={lineWidth(perSecond)} />
      {isFlowing && <path class="flow-moving" d={path} stroke-width={lineWidth(perSecond)} />}
      {text !== '' && (
        <>
          <rect x={at.x - labelWidth / 2} y={at.y - LABEL_HEIGHT / 2} width={labelWidth} height={LABEL_HEIGHT} rx="4" />
          <text x={at.x} y={at.y + 4} text-anchor="middle">
            {text}
          </text>
        </>
      )}
    </g>
  );
}

const PADDING = 10;
const MARK = 12;

function Node({ node }: { readonly node: PlacedNode }) {
  const { x, y, width, height, title, detail, kind, href, label } = node;
  // of a projection only what is wrong: that all is well is said of its group
  const hasState = kind === 'bad' || !node.id.startsWith('projection');
  const room = Math.floor((width - 2 * PADDING - (hasState ? MARK + 4 : 0)) / CHARACTER_PX);
  return (
    <a class={`flow-node ${kind}`} href={href} aria-description={label}>
      <rect x={x + 0.5} y={y + 0.5} width={width - 1} height={height} rx="6" />
      {hasState && (
        <g class={`state ${kind}`} transform={`translate(${x + width - PADDING - MARK} ${y + 8})`}>
          {SHAPES[kind]}
        </g>
      )}
      <text class="flow-title" x={x + PADDING} y={y + (detail === '' ? height / 2 + 4 : 17)}>
        {cut(title, room)}
      </text>
      <text class="flow-detail" x={x + PADDING} y={y + 32}>
        {cut(detail, Math.floor((width - 2 * PADDING) / SMALL_CHARACTER_PX))}
      </text>
    </a>
  );
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`;
}
