/** A group's lag over the last ten minutes, with the rebalances and whatever else happened on the axis. */
import type { RebalanceSeen } from '../../../api/group-schemas.ts';
import { count, duration, rate } from '../../format.ts';
import { marks } from '../../live.ts';
import { Chart } from '../../parts/chart.tsx';
import type { Series } from '../../parts/chart-props.ts';
import { ChoiceField } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { query, setQuery } from '../../router.ts';
import { useCourse } from './course.ts';
import { waitText } from './groups-model.ts';
import type { Course } from './history-model.ts';

const CHOICES = [
  { value: '', text: 'Records' },
  { value: 'time', text: 'Time' },
  { value: 'rate', text: 'Consumed' },
] as const;
type Choice = (typeof CHOICES)[number]['value'];

export function LagPanel({ group }: { readonly group: string }) {
  const course = useCourse(group);
  const choice = CHOICES.find(({ value }) => value === query('show'))?.value ?? '';
  const { times, rebalances } = course;
  const ownMarks = rebalances.map(({ at, text }) => ({ at, text: `rebalance: ${text}` }));
  const since = times[0] ?? 0;
  const others = marks.value.filter(({ kind, at }) => kind !== 'group' && Date.parse(at) >= since);
  return (
    <>
      <Panel
        title="Over the last ten minutes"
        note="looked at about once a second while somebody watches, else every five; dotted: what happened"
        actions={
          <ChoiceField
            label="What is drawn"
            bare
            value={choice}
            options={CHOICES}
            onInput={(value) => setQuery({ show: value })}
          />
        }
      >
        <Chart
          {...shownAs(choice, course)}
          times={times}
          marks={[...ownMarks, ...others]}
          height={170}
          empty="Fewer than two looks yet: the course begins in a moment."
        />
      </Panel>
      <Panel
        title="Rebalances"
        note="as they were seen, the newest first"
        actions={<ExportButtons name={`rebalances-${group}`} columns={REBALANCE_COLUMNS} rows={rebalances} />}
        flush
      >
        <Table
          caption={`Rebalances of ${group}`}
          columns={REBALANCE_COLUMNS}
          rows={rebalances.toReversed()}
          keyOf={({ at }) => at}
          tall
          empty={<p class="muted panel-text">None in the last ten minutes.</p>}
        />
      </Panel>
    </>
  );
}

function shownAs(choice: Choice, { lag, lagSeconds, perSecond, topics }: Course) {
  const one = (label: string, values: Series['values']): Series[] => [{ label, values, filled: true }];
  if (choice === 'time')
    return { title: 'Wait of the oldest record', format: waitText, series: one('oldest record', lagSeconds) };
  if (choice === 'rate') return { title: 'Records consumed', format: rate, series: one('consumed', perSecond) };
  const series =
    topics.size < 2
      ? one('lag', lag)
      : [...topics].map(([topic, values], index) => ({ label: topic, values, color: (index % 8) + 1 }));
  return { title: 'Records that wait', format: wholeCount, series };
}

/** There is no half of a record, on the axis neither. */
function wholeCount(value: number | null): string {
  return value !== null && !Number.isInteger(value) ? '' : count(value);
}

const REBALANCE_COLUMNS: readonly Column<RebalanceSeen>[] = [
  { head: 'Seen at', value: ({ at }) => at, show: ({ at }) => <Time at={at} as="clock" /> },
  { head: 'What happened', names: true, value: ({ text }) => text },
  { head: 'Members', number: true, value: ({ members }) => members },
  { head: 'Partitions moved', number: true, value: ({ moved_partitions }) => moved_partitions },
  { head: 'Generation', number: true, value: ({ generation }) => generation },
  {
    head: 'Took',
    unit: 'ms',
    number: true,
    value: ({ took_ms }) => took_ms,
    show: ({ took_ms }) => (took_ms === null ? 'between two looks' : `about ${duration(took_ms)}`),
  },
];
