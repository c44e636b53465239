import type { DrillRun } from '../../../api/drills.ts';
import { duration, rate } from '../../format.ts';
import { Chart } from '../../parts/chart.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Course, secondsText, seriesOf } from './run-model.ts';

interface CourseChartsProps {
  readonly course: Course;
  readonly marks: DrillRun['marks'];
  readonly isOver: boolean;
}

/** What load and handlers of a drill measured, with what the drill did on the same axis. */
export function CourseCharts({ course, marks, isOver }: CourseChartsProps) {
  const { times, acked, applied, p50, p99, longest } = seriesOf(course, isOver);
  const shared = {
    times,
    // the chart takes times of the calendar: here they count from the first publish
    marks: marks.map(({ at_ms, label }) => ({ at: new Date(at_ms).toISOString(), text: label })),
    timeText: (ms: number) => secondsText(ms).replace(/\.0$/, ''),
    height: 190,
    empty: isOver ? 'Nothing was measured.' : 'Nothing was published yet: its system is being started.',
  };
  return (
    <Panel
      title="Its course"
      note={`every ${course.bucketMs} ms since its first publish, from its histories; latency on a logarithmic axis`}
    >
      <div class="grid">
        <Chart
          title="Events"
          format={rate}
          series={[
            { label: 'acknowledged', values: acked, color: 1 },
            { label: 'applied', values: applied, color: 3 },
          ]}
          {...shared}
        />
        <Chart
          title="Publish latency"
          format={duration}
          logarithmic
          series={[
            { label: 'longest', values: longest, color: 6 },
            { label: 'p99', values: p99, color: 2 },
            { label: 'p50', values: p50, color: 1 },
          ]}
          {...shared}
        />
      </div>
      {marks.length > 0 && (
        <ol class="cluster-marks columns" aria-label="What the drill did">
          {marks.map(({ at_ms, label }) => (
            <li key={`${at_ms} ${label}`}>
              <span class="mono">{secondsText(at_ms)}</span> {label}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
