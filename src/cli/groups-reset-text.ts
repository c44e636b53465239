/** Offsets and durations as people write them. */
import { KitError } from '../kit/errors.ts';
import type { PartitionOffset } from '../kit/log/event-log.ts';
import { keyOf } from '../kit/log/topic-report.ts';

/** `orders,0,42` a line, as kafka-consumer-groups.sh --export writes it for one group. */
export function asCsv(offsets: readonly PartitionOffset[]): string {
  return offsets.map(({ topic, partition, offset }) => `${topic},${partition},${offset}`).join('\n');
}

/** @throws KitError USAGE with the line that does not fit */
export function fromCsv(text: string): PartitionOffset[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const offsets = lines
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => {
      const match = /^"?([A-Za-z0-9._-]+)"?,(\d{1,10}),(\d{1,15})$/.exec(line);
      if (match === null)
        throw new KitError('USAGE', `Line ${number} is not topic,partition,offset (orders,0,42): ${line}`);
      return { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) };
    });
  const seen = new Set<string>();
  for (const at of offsets) {
    if (seen.has(keyOf(at))) throw new KitError('USAGE', `${keyOf(at)} is there twice`);
    seen.add(keyOf(at));
  }
  return offsets;
}

const DURATION = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$/i;

/** Milliseconds of an ISO 8601 duration of days and less (`PT1H30M`, `P1DT12H`); null where the text is none. */
export function durationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}
