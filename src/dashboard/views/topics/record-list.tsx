/** Records, one a line, of which only those in sight are in the document: a thousand of them scroll as one does. */
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { bytes, clock, count, dateTime } from '../../format.ts';
import type { RecordRow } from './record-row.ts';

const ROW_PX = 30;
/** Rows above and below those in sight. */
const MARGIN = 12;

interface RecordListProps {
  readonly label: string;
  readonly rows: readonly RecordRow[];
  /** Its `id`. */
  readonly selected: string;
  readonly hrefOf: (row: RecordRow) => string;
  /** Whether somebody reads it, so that it should not move away under their eyes. */
  readonly onHold?: (held: boolean) => void;
}

export function RecordList({ label, rows, selected, hrefOf, onHold }: RecordListProps) {
  const box = useRef<HTMLElement>(null);
  const seen = useMemo(() => signal({ top: 0, height: 600 }), []);
  const held = useRef(false);
  useEffect(() => {
    const element = box.current!;
    const look = () => {
      seen.value = { top: element.scrollTop, height: element.clientHeight };
    };
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => {
      watch.disconnect();
      onHold?.(false);
    };
  }, [seen]);
  const look = () => {
    const { scrollTop: top, clientHeight: height } = box.current!;
    // rows change by the row, not by the pixel
    const { top: before } = seen.peek();
    if (Math.floor(before / ROW_PX) !== Math.floor(top / ROW_PX)) seen.value = { top, height };
    const isHeld = top > ROW_PX;
    if (isHeld !== held.current) {
      held.current = isHeld;
      onHold?.(isHeld);
    }
  };
  const { top, height } = seen.value;
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), rows.length) - MARGIN);
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + MARGIN);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll it
    <section class="records" tabIndex={0} aria-label={label} ref={box} onScroll={look}>
      <table class="table" aria-rowcount={rows.length + 1}>
        <caption class="visually-hidden">{label}</caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="at">
              Published
            </th>
            <th scope="col" class="place" title="Partition and offset">
              Place
            </th>
            <th scope="col" class="type">
              Type
            </th>
            <th scope="col" class="key">
              Key
            </th>
            <th scope="col" class="value">
              Value
            </th>
            <th scope="col" class="size number">
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          <Space rows={first} />
          {rows.slice(first, last).map((row, index) => (
            <Row key={row.id} row={row} index={first + index + 2} selected={row.id === selected} href={hrefOf(row)} />
          ))}
          <Space rows={rows.length - last} />
        </tbody>
      </table>
    </section>
  );
}

/** In place of rows that are out of sight. */
function Space({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="space">
      <td style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

interface RowProps {
  readonly row: RecordRow;
  readonly index: number;
  readonly selected: boolean;
  readonly href: string;
}

/** A record does not change: its line is made once. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate({ row, selected, href, index }: RowProps): boolean {
    const { props } = this;
    return row !== props.row || selected !== props.selected || href !== props.href || index !== props.index;
  }

  override render({ row, index, selected, href }: RowProps) {
    const { partition, offset, timestamp, key, type, preview, unreadable } = row;
    return (
      <tr class={selected ? 'selected' : ''} aria-rowindex={index} data-record={row.id}>
        <td class="at" title={dateTime(timestamp)}>
          {clock(timestamp)}
        </td>
        <th scope="row" class="place">
          <a href={href} aria-current={selected ? 'true' : undefined}>
            {partition}:{count(offset)}
          </a>
        </th>
        <td class={unreadable === null ? 'type' : 'type bad'} title={unreadable ?? type ?? undefined}>
          {unreadable === null ? (type ?? <span class="muted">no event</span>) : `✕ ${type ?? 'unreadable'}`}
        </td>
        <td class="key mono" title={key ?? undefined}>
          {key ?? <span class="muted">none</span>}
        </td>
        <td class="value mono">{preview}</td>
        <td class="size number">{row.bytes === null ? 'null' : bytes(row.bytes)}</td>
      </tr>
    );
  }
}
