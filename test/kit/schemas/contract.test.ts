import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import Type from 'typebox';
import { contractOf } from '../../../src/kit/schemas/contract.ts';
import { Id } from '../../../src/kit/schemas/formats.ts';

const contract = contractOf(
  Type.Object(
    { id: Id, kind: Type.Literal('a'), how: Type.Optional(Type.Enum(['up', 'down'])), many: Type.Array(Type.String()) },
    { additionalProperties: false },
  ),
);

it('gives one clear error per field, by JSON pointer', () => {
  const errors = contract.errors({ id: '', kind: 'b', how: 'left', many: ['x', 1], 'a/b~c': 1 });
  assert.deepEqual(Object.fromEntries(errors.map(({ path, message }) => [path, message])), {
    '/id': 'must not be empty',
    '/kind': 'must be "a"',
    '/how': 'must be one of up, down',
    '/many/1': 'must be string',
    '/a~1b~0c': 'is not a known field',
  });
  assert.deepEqual(
    contract
      .errors({})
      .map(({ path, message }) => `${path} ${message}`)
      .sort(),
    ['/id is required', '/kind is required', '/many is required'],
  );
});

it('finds the same errors as a walk through all of the schema', () => {
  const properties = {
    id: Id,
    kind: Type.Literal('a'),
    how: Type.Optional(Type.Enum(['up', 'down'])),
    at: Type.Object({ x: Type.Number() }, { additionalProperties: false }),
  };
  const narrowing = contractOf(Type.Object(properties, { additionalProperties: false }));
  // a keyword that is not among the plain ones
  const walking = contractOf(Type.Object(properties, { additionalProperties: false, minProperties: 0 }));
  const field = (good: unknown) => fc.constantFrom(good, good, good, undefined, 42, '', { x: 'y', z: 1 }, []);
  const fields = { id: field('i'), kind: field('a'), how: field('up'), at: field({ x: 1 }), more: fc.constant(1) };
  const values = fc.oneof(fc.record(fields, { requiredKeys: [] }), fc.constantFrom(null, 1, 'text', [], [1]));
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(narrowing.errors(value), walking.errors(value));
      assert.equal(narrowing.errors(value).length === 0, narrowing.check(value));
    }),
    { numRuns: 1_000 },
  );
  const forged = JSON.parse('{"id":"i","kind":"a","at":{"x":1},"__proto__":{"how":"up"}}');
  assert.deepEqual(narrowing.errors(forged), walking.errors(forged));
});

it('says what an id has to be', () => {
  const [error] = contract.errors({ id: 'é'.repeat(129), kind: 'a', many: [] });
  assert.equal(error?.message, 'must be 1 to 256 bytes of UTF-8 without control characters');
});

it('fits or does not', () => {
  assert.ok(contract.check({ id: 'x', kind: 'a', many: [] }));
  assert.deepEqual(contract.errors({ id: 'x', kind: 'a', many: [] }), []);
  assert.ok(!contract.check(JSON.parse('{"id":"x","kind":"a","many":[],"__proto__":{}}')));
});

it('exports JSON Schema without marks of its own', () => {
  assert.doesNotMatch(JSON.stringify(contract.jsonSchema), /"~/);
  assert.deepEqual(contract.jsonSchema.required, ['id', 'kind', 'many']);
});
