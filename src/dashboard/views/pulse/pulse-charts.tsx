import type { Mark, Point } from '../../../api/pulse-sample.ts';
import { duration, rate, seconds } from '../../format.ts';
import { Chart } from '../../parts/chart.tsx';
import { ChoiceField } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { query, setQuery } from '../../router.ts';
import { coursesOf, lagCourses, marksWithin, pointsOf, SPANS, spanOf } from './pulse-series.ts';

interface PulseChartsProps {
  readonly history: readonly Point[];
  readonly marks: readonly Mark[];
  /** By group: what it is called on the page. */
  readonly names: ReadonlyMap<string, string>;
}

const HEIGHT = 132;
const MAX_LAGS = 8;

export function PulseCharts({ history, marks, names }: PulseChartsProps) {
  const span = spanOf(query('span'));
  const points = pointsOf(history, span);
  const course = coursesOf(points);
  const common = { times: course.times, marks: marksWithin(marks, course.times), height: HEIGHT };
  return (
    <Panel
      title="Over time"
      note="dotted lines: what happened"
      actions={
        <ChoiceField
          label="Show the last"
          bare
          value={span}
          options={SPANS}
          onInput={(value) => setQuery({ span: value })}
        />
      }
    >
      <div class="pulse-charts">
        <Chart
          {...common}
          title="Throughput"
          format={rate}
          series={[
            { label: 'published', values: course.published },
            { label: 'applied, all handlers', values: course.applied, dashed: true },
          ]}
        />
        <Chart
          {...common}
          title="Errors"
          format={rate}
          series={[
            { label: 'publishes that failed', values: course.publishErrors, color: 6 },
            { label: 'deliveries that failed', values: course.failed, color: 2, dashed: true },
          ]}
        />
        <Chart
          {...common}
          title="Latency"
          logarithmic
          format={duration}
          series={[
            { label: 'publish p50', values: course.publishP50, color: 1 },
            { label: 'publish p99', values: course.publishP99, color: 1, dashed: true },
            { label: 'end to end p50', values: course.endToEndP50, color: 2 },
            { label: 'end to end p99', values: course.endToEndP99, color: 2, dashed: true },
          ]}
          empty="Nothing was published in this time."
        />
        <Chart
          {...common}
          title="Lag"
          format={seconds}
          series={lagCourses(points, MAX_LAGS).map(({ group, values }) => ({
            label: names.get(group) ?? group,
            values,
          }))}
          empty="No handler was half a second behind in this time."
        />
      </div>
    </Panel>
  );
}
