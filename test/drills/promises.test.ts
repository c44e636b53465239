import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DRILLS } from '../../src/drills/catalog.ts';
import { PROMISES } from '../../src/drills/promises.ts';

const DESIGN = readFileSync(new URL('../../docs/DESIGN.md', import.meta.url), 'utf8');

test('promises are told as docs/DESIGN.md has them, and drills name no others', () => {
  const rows = [...DESIGN.matchAll(/^\| (P\d+) \| (.*) \|$/gm)].map(([, name, text]) => [name, text]);
  assert.deepEqual(Object.entries(PROMISES), rows);
  for (const { name, promises } of DRILLS) for (const promise of promises) assert.ok(promise in PROMISES, name);
});
