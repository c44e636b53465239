import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryEntry } from '../../../src/drills/history/history.ts';
import { applied, kindsOf, logOf, owned, sent } from './small-scene.ts';

const GIVEN = [sent('a', 0), applied(null, 1, [0])];
const CLEAN = [owned('assigned', 'x', 100_000), owned('revoked', 'x', 110_000), owned('assigned', 'y', 110_001)];

function refused(process: string, atMs: number, outcome: 'fenced' | 'unknown' | 'ok'): HistoryEntry {
  const more = { process, group: 'drill', topic: 'user-actions', outcome, invokedMs: atMs, completedMs: atMs } as const;
  return applied(0, 0, [], more);
}

/** x owns from 100,000 ms, y is given the partition at 110,000 ms. */
const CASES: readonly (readonly [string, readonly HistoryEntry[], boolean])[] = [
  ['given back before the next has it', CLEAN, false],
  [
    'at one moment',
    [owned('assigned', 'x', 100_000), owned('assigned', 'y', 100_001), owned('revoked', 'x', 100_500)],
    true,
  ],
  [
    'given back while the next has it, by a process that is well',
    [
      owned('assigned', 'x', 100_000),
      refused('x', 109_000, 'ok'),
      owned('assigned', 'y', 110_000),
      owned('revoked', 'x', 110_010),
    ],
    true,
  ],
  [
    'lost',
    [
      owned('assigned', 'x', 100_000),
      refused('x', 109_900, 'ok'),
      owned('assigned', 'y', 110_000),
      owned('lost', 'x', 120_000),
    ],
    false,
  ],
  [
    'frozen: silent for 3 s before the next came',
    [owned('assigned', 'x', 100_000), owned('assigned', 'y', 110_000), owned('revoked', 'x', 120_000)],
    false,
  ],
  [
    'cut off: fenced before it gave back',
    [
      owned('assigned', 'x', 100_000),
      refused('x', 109_900, 'ok'),
      owned('assigned', 'y', 110_000),
      refused('x', 110_500, 'fenced'),
      owned('revoked', 'x', 110_600),
    ],
    false,
  ],
  [
    'fenced, but no group gives up a member so soon',
    [
      owned('assigned', 'x', 109_500),
      owned('assigned', 'y', 110_000),
      refused('x', 110_500, 'fenced'),
      owned('revoked', 'x', 110_600),
    ],
    true,
  ],
  ['killed', [owned('assigned', 'x', 100_000), refused('x', 101_000, 'ok'), owned('assigned', 'y', 110_000)], false],
  [
    'killed as a zombie',
    [owned('assigned', 'x', 100_000), owned('assigned', 'y', 110_000), refused('x', 111_000, 'fenced')],
    false,
  ],
  [
    'never given back, and going on',
    [
      owned('assigned', 'x', 100_000),
      refused('x', 109_000, 'ok'),
      owned('assigned', 'y', 110_000),
      refused('x', 111_000, 'ok'),
    ],
    true,
  ],
  [
    'another group',
    [
      owned('assigned', 'x', 100_000),
      owned('assigned', 'y', 100_001, { group: 'other' }),
      owned('revoked', 'x', 100_500),
    ],
    false,
  ],
];

for (const [what, entries, flagged] of CASES) {
  test(`${flagged ? 'two owners' : 'one owner'}: ${what}`, async () => {
    const kinds = await kindsOf([...GIVEN, ...entries], logOf('a'));
    assert.deepEqual(kinds, flagged ? ['two-owners'] : []);
  });
}
