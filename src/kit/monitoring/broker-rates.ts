/** What flows into each broker, between two looks. Pure. */
import { type ClusterFacts, keyOf } from './cluster-facts.ts';
import { growthPerSecond } from './rates.ts';

export interface BrokerRates {
  readonly messages: number | null;
  readonly bytes: number | null;
  readonly source: 'jmx' | 'protocol';
}

/**
 * By the broker's own counters (JMX) where both looks have them, of the same process. Else from the partitions that it leads now: their
 * end offsets (a transaction's markers count as records), and the size of its logs on disk, from which what retention removed
 * in between is missing.
 */
export function brokerRates(id: number, before: ClusterFacts | null, now: ClusterFacts): BrokerRates {
  const elapsedMs = before === null ? 0 : now.at - before.at;
  const [earlier, reading] = [before?.readings.get(id), now.readings.get(id)];
  const grown = (valuesOf: (facts: ClusterFacts) => ReadonlyMap<string, number>): number | null =>
    before === null ? null : growthPerSecond(valuesOf(before), valuesOf(now), elapsedMs);
  if (earlier?.jmx && reading?.jmx && earlier.process.id === reading.process.id) {
    const counter = (name: 'messagesIn' | 'bytesIn') =>
      grown(({ readings }) => new Map([[name, readings.get(id)!.jmx![name]]]));
    return { messages: counter('messagesIn'), bytes: counter('bytesIn'), source: 'jmx' };
  }
  const led = ledBy(id, now);
  const ofLed = (values: (key: string) => number | undefined): ReadonlyMap<string, number> =>
    new Map(led.flatMap((key) => [[key, values(key)] as const]).filter(isKnown));
  return {
    messages: grown(({ ends }) => ofLed((key) => ends.get(key))),
    bytes: now.logs.has(id) ? grown(({ logs }) => ofLed((key) => logs.get(id)?.partitions.get(key)?.bytes)) : null,
    source: 'protocol',
  };
}

function ledBy(id: number, { topics }: ClusterFacts): string[] {
  return (topics ?? []).flatMap(({ name: topic, partitions }) =>
    partitions.filter(({ leader }) => leader === id).map(({ partition }) => keyOf({ topic, partition })),
  );
}

function isKnown(entry: readonly [string, number | undefined]): entry is readonly [string, number] {
  return entry[1] !== undefined;
}
