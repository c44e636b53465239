/** A batch as `apply-script.ts` reads it. */
import { shapeOf } from '../changes.ts';
import { checkEffect } from '../check-effect.ts';
import type { ApplyBatch, Delta, Effect } from '../projection-store.ts';

/** @throws KitError INVALID_DELTA */
export function batchText({ effects, park, unpark }: Pick<ApplyBatch, 'effects' | 'park' | 'unpark'>): string {
  const heads = new Heads();
  return JSON.stringify({
    effects: effects.map((effect) => compact(effect, heads)),
    heads: heads.list,
    park: park.flatMap((record) => [String(record.offset), JSON.stringify(record)]),
    unpark: unpark.map(String),
  });
}

/** A delta without fields changes nothing and stays out. */
function compact(effect: Effect, heads: Heads): unknown[] {
  checkEffect(effect);
  const compacted: unknown[] = [effect.eventId ?? false];
  for (const delta of effect.deltas) {
    const { key, add, max, top, keep, period, when, from, each } = delta;
    const fields: (string | number)[] = [];
    for (const name in add) fields.push(name, add[name]!);
    for (const name in max) fields.push(name, max[name]!);
    if (fields.length === 0 && top === undefined && from === undefined) continue;
    const shape = shapeOf(delta);
    if (when !== undefined || from !== undefined || each !== undefined) {
      compacted.push({ key, shape, fields, keep, period, ...top, ...when, from, each });
    } else if (shape === '') {
      compacted.push([key, ...fields]);
    } else {
      compacted.push([heads.indexOf(delta, shape), ...(top === undefined ? fields : [top.item, top.by])]);
    }
  }
  return compacted;
}

/** What the deltas of one document have in common, but for their fields. */
class Heads {
  readonly list: object[] = [];
  readonly #indexes = new Map<string, Map<string, number>>();

  /** From 1 on, as Lua counts. */
  indexOf({ key, keep, period = '', top }: Delta, shape: string): number {
    let ofKey = this.#indexes.get(key);
    if (ofKey === undefined) {
      ofKey = new Map();
      this.#indexes.set(key, ofKey);
    }
    const kind = `${shape}\0${period}`;
    let index = ofKey.get(kind);
    if (index === undefined) {
      index = this.list.push({ key, shape, keep, period: period === '' ? undefined : period, capacity: top?.capacity });
      ofKey.set(kind, index);
    }
    return index;
  }
}
