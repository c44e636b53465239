/** The contract's random runs and what they must come to, computed without any of the stores' code. */
import type {
  ApplyBatch,
  Condition,
  Delta,
  Document,
  Effect,
  ProjectionStore,
  Tallies,
  TopDelta,
} from './projection-store.ts';

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
export function randomBatches(seed: number, width: 'narrow' | 'wide' = 'narrow'): { readonly steps: readonly Step[] } {
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const names = ['a', 'b/c', 'ü', '\u{1F600}', '{d}', '\uFF5E'];
  const texts = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', 'é', '\uFF5E', '\u{1F600}', 'z', '', 'z\0', 'z\0z'];
  /** Kinds of documents, each under a prefix of its own, with a change for one. */
  const kinds: Record<string, () => Omit<Delta, 'key'>> = {
    '': () => ({
      ...(below(4) > 0 && { add: { [`count${below(3)}`]: below(2_001) - 1_000 } }),
      ...(below(2) > 0 && { max: { [`text${below(2)}`]: oneOf(texts) } }),
    }),
    'kept/': () => ({ keep: 3, max: { [oneOf(names)]: oneOf(texts), period: oneOf(texts) } }),
    'slot/': () => ({ period: oneOf(['p1', 'p2', 'ü']), add: { count: 1 }, max: { text: oneOf(texts) } }),
    'top/': () => ({ top: { item: oneOf([...names, 'period']), by: 1 + below(3), capacity: 3 } }),
    'top-slot/': () => ({
      period: oneOf(['p1', 'p2']),
      top: { item: oneOf([...names, 'period']), by: 1 + below(3), capacity: 2 },
    }),
  };
  /** Of a hundred fields, which an adapter may keep in another way. */
  const many = <T>(value: () => T): Record<string, T> =>
    Object.fromEntries(Array.from({ length: 1 + below(30) }, () => [`f${below(100)}`, value()]));
  const wideKinds: typeof kinds = {
    'wide/': () =>
      below(2) === 0 ? { add: many(() => below(2_001) - 1_000) } : { max: { [`t${below(90)}`]: oneOf(texts) } },
    'wide-slot/': () => ({
      period: oneOf(['p1', 'p1', 'p1', 'p1', 'p2', 'p3'].slice(0, 4 + below(3))),
      add: many(() => 1),
    }),
    'wide-top/': () => ({ top: { item: `item-${Math.floor(90 ** random())}`, by: 1 + below(3), capacity: 50 } }),
    'wide-top-slot/': () => ({
      period: below(200) === 0 ? 'p2' : 'p1',
      top: { item: `item-${below(90)}`, by: 1, capacity: 80 },
    }),
  };
  if (width === 'wide') {
    Object.assign(kinds, wideKinds);
    names.splice(1);
  }
  const prefixes = Object.keys(kinds);
  const anyKey = () => oneOf(prefixes) + oneOf(names);
  const delta = (): Delta => {
    const prefix = oneOf(width === 'wide' ? Object.keys(wideKinds) : ['', '', '', ...prefixes]);
    const condition = { fieldsOf: anyKey(), ...(below(2) === 0 ? { atMost: below(5) } : { moreThan: below(5) }) };
    const byEach = below(4) === 0;
    return {
      key: byEach ? prefix : prefix + oneOf(names),
      ...kinds[prefix]!(),
      ...(below(4) === 0 && { when: condition as Condition }),
      ...(below(4) === 0 && (prefix === '' || prefix === 'kept/') && { from: anyKey() }),
      ...(byEach && { key: `each#${prefix}#`, each: anyKey() }),
    };
  };
  let offset = 0;
  const steps = Array.from({ length: 1 + below(12) }, (_, n): Step => {
    const effects = Array.from({ length: 1 + below(width === 'wide' ? 150 : 40) }, (): Effect => {
      const deltas = Array.from({ length: below(4) }, delta);
      return {
        offset: offset++,
        eventId: below(10) === 0 ? null : `id-${below(width === 'wide' ? 5_000 : 200)}`,
        deltas,
      };
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
  const model = new Model();
  const ids = new Set<string>();
  const tallies = { applied: 0, duplicates: 0, dead: 0 };
  for (const { batch } of steps) {
    const dependent: Delta[] = [];
    for (const { eventId, deltas } of batch.effects) {
      if (eventId !== null && ids.has(eventId)) {
        tallies.duplicates++;
        continue;
      }
      if (eventId !== null) ids.add(eventId);
      tallies.applied++;
      for (const delta of deltas) {
        if ('when' in delta || 'from' in delta || 'each' in delta) dependent.push(delta);
        else model.make(delta);
      }
    }
    for (const delta of dependent) model.make(delta);
  }
  return { documents: model.documents(), tallies };
}

/** Every delta at once and by itself, on documents that are always exact. */
class Model {
  readonly #documents = new Map<string, Map<string, number | string>>();

  make({ key, when, from, each, ...change }: Delta): void {
    if (when !== undefined) {
      const count = this.#fields(when.fieldsOf).length;
      if ('atMost' in when ? count > when.atMost : count <= when.moreThan) return;
    }
    const texts = from === undefined ? [] : this.#fields(from).filter(([, value]) => typeof value === 'string');
    const keys = each === undefined ? [key] : sorted(this.#fields(each)).map(([name]) => key + name);
    for (const one of keys) this.#change(one, change, texts as [string, string][]);
  }

  #fields(key: string): [string, number | string][] {
    return [...(this.#documents.get(key) ?? [])];
  }

  #change(key: string, { add = {}, max = {}, keep, period, top }: Omit<Delta, 'key'>, from: [string, string][]): void {
    const texts = [...Object.entries(max), ...from];
    if (Object.keys(add).length + texts.length === 0 && top === undefined) return;
    const fields = this.#documents.get(key) ?? new Map<string, number | string>();
    this.#documents.set(key, fields);
    if (period !== undefined) {
      const old = fields.get('period');
      if (old !== undefined && order(String(old), period) > 0) return;
      if (old !== period) fields.clear();
      fields.set('period', period);
    }
    for (const [name, count] of Object.entries(add)) fields.set(name, Number(fields.get(name) ?? 0) + count);
    for (const [name, text] of texts) {
      const old = fields.get(name);
      if (old === undefined || order(text, String(old)) > 0) fields.set(name, text);
    }
    if (top !== undefined) spaceSaving(fields, top);
    if (keep === undefined) return;
    const greatestLast = [...fields].sort(([a, x], [b, y]) => order(String(x), String(y)) || order(a, b));
    for (const [name] of greatestLast.slice(0, -keep)) fields.delete(name);
  }

  documents(): (readonly [string, Document])[] {
    return sorted([...this.#documents]).map(([key, fields]) => [key, Object.fromEntries(sorted([...fields]))]);
  }
}

function spaceSaving(fields: Map<string, number | string>, { item, by, capacity }: TopDelta): void {
  const name = `top/${item}`;
  const items = [...fields]
    .filter(([field]) => field.startsWith('top/'))
    .map(([field, text]) => [field, ...String(text).split(' ').map(Number)] as [string, number, number]);
  let [, count, error] = items.find(([field]) => field === name) ?? [name, 0, 0];
  if (count === 0 && items.length >= capacity) {
    const [least] = items.sort((a, b) => a[1] - b[1] || order(a[0], b[0]));
    fields.delete(least![0]);
    count = error = least![1];
  }
  fields.set(name, `${count + by} ${error}`);
}

function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function sorted<T>(entries: [string, T][]): [string, T][] {
  return entries.sort(([a], [b]) => order(a, b));
}

/** A small seeded generator of numbers in [0, 1). Source: Tommy Ettinger, public domain. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
