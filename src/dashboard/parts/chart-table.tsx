import type { ChartProps } from './chart-props.ts';
import { TableBehind } from './table-behind.tsx';

const MAX_ROWS = 60;

/** What a chart shows, as a table: for whoever does not see it, and for whoever wants the number. */
export function ChartTable({
  title,
  format,
  times,
  series,
  marks,
  timeText,
}: Required<Pick<ChartProps, 'title' | 'format' | 'times' | 'series' | 'marks' | 'timeText'>>) {
  const step = Math.max(1, Math.ceil(times.length / MAX_ROWS));
  const rows = times.map((at, index) => ({ at, index })).filter(({ index }) => (times.length - 1 - index) % step === 0);
  return (
    <TableBehind title={title}>
      {() => (
        <>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {series.map(({ label }) => (
                <th scope="col" class="number" key={label}>
                  {label}
                </th>
              ))}
              <th scope="col">What happened</th>
            </tr>
          </thead>
          <tbody>
            {rows.toReversed().map(({ at, index }) => (
              <tr key={at}>
                <th scope="row">{timeText(at)}</th>
                {series.map(({ label, values }) => (
                  <td class="number" key={label}>
                    {format(values[index] ?? null)}
                  </td>
                ))}
                <td>
                  {marks
                    .filter((mark) => isBetween(Date.parse(mark.at), times[index - step] ?? 0, at))
                    .map(({ text }) => text)
                    .join('; ')}
                </td>
              </tr>
            ))}
          </tbody>
        </>
      )}
    </TableBehind>
  );
}

function isBetween(atMs: number, afterMs: number, untilMs: number): boolean {
  return atMs > afterMs && atMs <= untilMs;
}
