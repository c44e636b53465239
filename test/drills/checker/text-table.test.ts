import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TextTable } from '../../../src/drills/checker/text-table.ts';

test('numbers texts as a map would, by space, whether they come as text or as bytes', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('', 'a', 'ä'.repeat(700)));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), text, fc.boolean()), { maxLength: 2_000 }), (texts) => {
      const table = new TextTable();
      const model = new Map<string, number>();
      for (const [space, one, asBytes] of texts) {
        const name = `${space} ${Buffer.from(one)}`;
        const given = asBytes ? Buffer.from(one) : one;
        assert.equal(table.find(space, given), model.get(name) ?? -1);
        if (!model.has(name)) model.set(name, model.size);
        const index = table.add(space, given);
        assert.equal(index, model.get(name));
        assert.equal(table.text(index), Buffer.from(one).toString());
        assert.equal(table.spaceOf(index), space);
      }
      assert.equal(table.size, model.size);
    }),
  );
});

test('bytes that are no UTF-8 are the text that they would be read as', () => {
  const table = new TextTable();
  const bytes = Buffer.from([0x61, 0xff]);
  assert.equal(table.add(0, bytes), table.add(0, bytes.toString()));
});
