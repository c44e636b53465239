import type { DeadLetterGroupsJson } from '../../../api/dead-letter-groups.ts';
import { count } from '../../format.ts';
import { marks } from '../../live.ts';
import { Chart } from '../../parts/chart.tsx';

const MAX_SERIES = 4;

/** How many were set aside when: all of them, and the busiest kinds where there are several. */
export function FailureChart({
  data,
}: {
  readonly data: Pick<DeadLetterGroupsJson, 'from' | 'bucket_ms' | 'counts' | 'groups'>;
}) {
  const start = Date.parse(data.from);
  const times = data.counts.map((_, bucket) => start + bucket * data.bucket_ms);
  const busiest = data.groups.length < 2 ? [] : data.groups.toSorted((a, b) => b.count - a.count).slice(0, MAX_SERIES);
  const codes = busiest.map(({ code }) => code);
  const end = start + data.counts.length * data.bucket_ms;
  return (
    <Chart
      title="Set aside"
      format={count}
      times={times}
      series={[
        { label: 'all', values: data.counts, filled: true },
        ...busiest.map(({ code, fingerprint, counts }) => ({
          label: codes.indexOf(code) === codes.lastIndexOf(code) ? code : `${code} ${fingerprint.slice(0, 4)}`,
          values: counts,
        })),
      ]}
      marks={marks.value.filter(({ at }) => Number(new Date(at)) >= start && Number(new Date(at)) <= end)}
      height={110}
      empty="None in this time."
    />
  );
}
