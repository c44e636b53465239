/** Records over time as bars above the slider, with the table behind them. */
import type { LogRangeJson } from '../../../api/log-range.ts';
import { count, dateTime } from '../../format.ts';
import { TableBehind } from '../../parts/table-behind.tsx';
import { type ActivityBar, type Axis, activityBars, clamp } from './time-model.ts';

const WIDTH = 1_000;
const HEIGHT = 100;

export function Activity({
  range,
  axis,
  at,
}: {
  readonly range: LogRangeJson;
  readonly axis: Axis;
  readonly at: number | null;
}) {
  const bars = activityBars(range);
  const x = (time: number) => ((time - axis.from) / (axis.to - axis.from)) * WIDTH;
  const width = x(axis.from + range.bucket_ms);
  const path = (isPast: boolean) =>
    bars
      .filter(({ from, records }) => records > 0 && (at === null || from < at) === isPast)
      .map(
        ({ from, height }) =>
          `M${x(from).toFixed(1)} ${HEIGHT}v${(-Math.max(height * HEIGHT, 2)).toFixed(1)}h${Math.max(1, width - 1.5).toFixed(1)}V${HEIGHT}z`,
      )
      .join('');
  return (
    <div class="state-activity">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="past" d={path(true)} />
        <path class="future" d={path(false)} />
        {at !== null && <path class="stands" d={`M${x(clamp(at, axis)).toFixed(1)} 0V${HEIGHT}`} />}
      </svg>
      <ActivityTable bars={bars} />
    </div>
  );
}

function ActivityTable({ bars }: { readonly bars: readonly ActivityBar[] }) {
  return (
    <TableBehind title="Records over time" of="records over time">
      {() => (
        <>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="number">
                Records
              </th>
            </tr>
          </thead>
          <tbody>
            {bars.map(({ from, records }) => (
              <tr key={from}>
                <th scope="row">{dateTime(from)}</th>
                <td class="number">{count(records)}</td>
              </tr>
            ))}
          </tbody>
        </>
      )}
    </TableBehind>
  );
}
