/** The contract's random runs and what they must come to, computed without any of the stores' code. */
import type { ApplyBatch, Delta, Document, Effect, ProjectionStore, Tallies } from './projection-store.ts';

export interface Step {
  readonly batch: Pick<ApplyBatch, 'effects' | 'now'>;
  /** The same batch is sent once more, as after an answer that was lost. */
  readonly retried: boolean;
  readonly reopened: boolean;
}

export async function collect(store: ProjectionStore): Promise<(readonly [string, Document])[]> {
  const documents: (readonly [string, Document])[] = [];
  for await (const document of store.documents()) documents.push(document);
  return documents;
}

/** Batches over few keys and ids, so that they meet; the same seed makes the same run. */
export function randomBatches(seed: number): { readonly steps: readonly Step[] } {
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const keys = ['a', 'b/c', 'ü', '\u{1F600}', '{d}', '\uFF5E'];
  const texts = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', 'é', '\uFF5E', '\u{1F600}', 'z', ''];
  const delta = (): Delta => ({
    key: keys[below(keys.length)]!,
    ...(below(4) > 0 && { add: { [`count${below(3)}`]: below(2_001) - 1_000 } }),
    ...(below(2) > 0 && { max: { [`text${below(2)}`]: texts[below(texts.length)]! } }),
  });
  let offset = 0;
  const steps = Array.from({ length: 1 + below(12) }, (_, n): Step => {
    const effects = Array.from({ length: 1 + below(40) }, (): Effect => {
      const deltas = Array.from({ length: below(4) }, delta);
      return { offset: offset++, eventId: below(10) === 0 ? null : `id-${below(200)}`, deltas };
    });
    return { batch: { effects, now: 1_000 + n }, retried: below(3) === 0, reopened: below(5) === 0 };
  });
  return { steps };
}

/** Folds one record after the other; all ids fall within one window. */
export function expectedDocuments(steps: readonly Step[]): {
  readonly documents: readonly (readonly [string, Document])[];
  readonly tallies: Tallies;
} {
  const documents: Record<string, Record<string, number | string>> = {};
  const ids = new Set<string>();
  const tallies = { applied: 0, duplicates: 0, dead: 0 };
  for (const { eventId, deltas } of steps.flatMap(({ batch }) => batch.effects)) {
    if (eventId !== null && ids.has(eventId)) {
      tallies.duplicates++;
      continue;
    }
    if (eventId !== null) ids.add(eventId);
    tallies.applied++;
    for (const { key, add = {}, max = {} } of deltas) {
      if (Object.keys(add).length + Object.keys(max).length === 0) continue;
      documents[key] ??= {};
      const document = documents[key];
      for (const [name, count] of Object.entries(add)) document[name] = Number(document[name] ?? 0) + count;
      for (const [name, text] of Object.entries(max)) {
        const old = document[name];
        const grows = old === undefined || Buffer.compare(Buffer.from(text), Buffer.from(String(old))) > 0;
        if (grows) document[name] = text;
      }
    }
  }
  const sorted = <T>(entries: [string, T][]) =>
    entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return {
    documents: sorted(Object.entries(documents)).map(([key, fields]) => [
      key,
      Object.fromEntries(sorted(Object.entries(fields))),
    ]),
    tallies,
  };
}

/** A small seeded generator of numbers in [0, 1). Source: Tommy Ettinger, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
