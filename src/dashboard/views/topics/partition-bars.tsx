import { count } from '../../format.ts';
import { Bars } from '../../parts/bars.tsx';

const TOO_FULL = 1.5;

/** Records by partition; those that have far more than the others stand out. */
export function PartitionBars({
  counts,
}: {
  readonly counts: readonly (readonly [partition: number, records: number])[];
}) {
  const mean = counts.reduce((sum, [, records]) => sum + records, 0) / counts.length;
  return (
    <Bars
      title="Records by partition"
      of="partition"
      unit="records"
      format={count}
      bars={counts.map(([partition, records]) => {
        const bar = { label: String(partition), value: records };
        return records > mean * TOO_FULL ? { ...bar, marked: `more than ${TOO_FULL} times the mean` } : bar;
      })}
    />
  );
}
