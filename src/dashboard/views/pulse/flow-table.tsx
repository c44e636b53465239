import type { GroupFlow } from '../../../api/pulse-sample.ts';
import { count, duration, rate, seconds, UNKNOWN } from '../../format.ts';
import { HALTED } from '../../halted.ts';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Behind } from '../../parts/table-behind.tsx';
import { groupState } from './flow-model.ts';

const COLUMNS: readonly Column<GroupFlow>[] = [
  {
    head: 'Group',
    names: true,
    value: ({ handler, group }) => handler ?? group,
    show: ({ handler, group }) => <a href={`/consumers/${encodeURIComponent(group)}`}>{handler ?? group}</a>,
  },
  { head: 'Reads', value: ({ topics }) => topics.join(', ') },
  {
    head: 'State',
    value: ({ halted, state }) => halted ?? state,
    show: (group) => (
      <State kind={groupState(group)}>{group.halted === null ? (group.state ?? UNKNOWN) : HALTED[group.halted]}</State>
    ),
  },
  { head: 'Members', number: true, value: ({ members }) => members },
  number('Applied a second', ({ per_second }) => per_second, rate),
  number('Failed a second', ({ errors_per_second }) => errors_per_second, rate),
  number('Lag, records', ({ lag }) => lag, count),
  number('Lag, time', ({ lag_seconds }) => lag_seconds, seconds),
  {
    head: 'Furthest behind',
    value: ({ worst }) => (worst === null ? null : `${worst.topic}/${worst.partition}`),
  },
  number('Parked', ({ parked }) => parked, count),
  number('Retries', ({ retries }) => retries, count),
  number('Dead', ({ dead }) => dead, count),
  number('Processing p99', ({ process_p99_ms }) => process_p99_ms, duration),
  number('End to end p50', ({ end_to_end }) => end_to_end?.p50_ms ?? null, duration),
  number('End to end p99', ({ end_to_end }) => end_to_end?.p99_ms ?? null, duration),
];

function number(
  head: string,
  value: (group: GroupFlow) => number | null,
  text: (value: number | null) => string,
): Column<GroupFlow> {
  return { head, number: true, value, show: (group) => text(value(group)) };
}

export function FlowTable({ groups }: { readonly groups: readonly GroupFlow[] }) {
  return (
    <Behind what="the flow, by consumer group">
      {() => (
        <>
          <div class="row">
            <ExportButtons name="flow" columns={COLUMNS} rows={groups} />
          </div>
          <Table
            caption="Consumer groups: rates, lag and latency"
            columns={COLUMNS}
            rows={groups}
            keyOf={({ group }) => group}
            empty={<p class="muted">No group has been seen.</p>}
          />
        </>
      )}
    </Behind>
  );
}
