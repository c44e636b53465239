import assert from 'node:assert/strict';
import { it } from 'node:test';
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
