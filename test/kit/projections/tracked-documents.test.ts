import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKitError } from '../../../src/kit/errors.ts';
import { applyEffects } from '../../../src/kit/projections/changes.ts';
import { expectedDocuments, mulberry32, randomBatches } from '../../../src/kit/projections/contract-model.ts';
import { toDocument } from '../../../src/kit/projections/deltas.ts';
import { IdTable } from '../../../src/kit/projections/id-table.ts';
import type { Effect } from '../../../src/kit/projections/projection-store.ts';
import { TrackedDocuments } from '../../../src/kit/projections/tracked-documents.ts';

describe('tracked documents', () => {
  it('come to what stores hold, and the changes of the watched one add up to it', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { steps } = randomBatches(seed, seed % 3 === 0 ? 'wide' : 'narrow');
      const { documents } = expectedDocuments(steps);
      for (const [key, expected] of documents.slice(0, 40)) {
        const tracked = new TrackedDocuments(key, 1_000_000);
        const ids = new Set<string>();
        const fields = new Map<string, number | string>();
        for (const { batch } of steps) {
          applyEffects(batch.effects.filter(fresh(ids)), tracked);
          for (const { field, before, after } of tracked.takeChanges()) {
            assert.equal(fields.get(field) ?? null, before, `${key} ${field}, seed ${seed}`);
            if (after === null) fields.delete(field);
            else fields.set(field, after);
          }
        }
        assert.deepEqual(toDocument(fields), expected, `${key}, seed ${seed}`);
        assert.deepEqual(tracked.document(), expected, `${key}, seed ${seed}`);
        assert.deepEqual(tracked.clone().document(), expected);
      }
    }
  });

  it('are refused where there are too many fields', () => {
    const tracked = new TrackedDocuments('a', 3);
    const like = (key: string) => [{ offset: 0, eventId: null, deltas: [{ key, add: { likes: 1, views: 1 } }] }];
    applyEffects(like('a'), tracked);
    assert.throws(
      () => applyEffects(like('b'), tracked),
      (error) => isKitError(error, 'HISTORY_TOO_WIDE'),
    );
  });
});

function fresh(ids: Set<string>): (effect: Effect) => boolean {
  return ({ eventId }) => {
    if (eventId === null) return true;
    if (ids.has(eventId)) return false;
    ids.add(eventId);
    return true;
  };
}

describe('a table of ids', () => {
  it('knows each id of a scope as long as its time lasts, through growth and copies', () => {
    const random = mulberry32(5);
    let table = new IdTable();
    const model = new Map<string, number>();
    const windowMs = 100_000;
    for (let at = 1_000_000; at < 31_000_000; at += 1_000) {
      const scope = Math.floor(random() * 3);
      const id = `event-${Math.floor(random() * 9_000)}`;
      const known = model.get(`${scope} ${id}`);
      const isDuplicate = known !== undefined && known > at - windowMs;
      assert.equal(table.seen(scope, id, at, at - windowMs), isDuplicate);
      if (!isDuplicate) model.set(`${scope} ${id}`, at);
      if (at % 5_000_000 === 0) table = table.clone();
    }
    assert.equal(table.size, model.size);
  });
});
