import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CheckReport, FindingKind } from '../../../src/drills/checker/findings.ts';
import { checkScene, healthyScene, type Scene } from './healthy.ts';
import type { Planted } from './planted.ts';
import { PLANTS } from './plants.ts';

const RUNS = 25;

/** Every kind once: what is missing here has no canary. */
const KINDS: Readonly<Record<FindingKind, true>> = {
  'lost-acknowledged': true,
  'duplicate-in-log': true,
  'reordered-in-log': true,
  'aborted-read': true,
  phantom: true,
  'hole-in-log': true,
  'reordered-apply': true,
  'skipped-offset': true,
  'repeated-offset': true,
  'two-owners': true,
  'counter-mismatch': true,
  unbalanced: true,
  'dead-letter-mismatch': true,
};

const scenes = fc.tuple(fc.integer(), fc.integer({ min: 120, max: 320 }));

function assertNamed({ findings }: CheckReport, { kind, says }: Planted): void {
  const finding = findings.find((one) => one.kind === kind);
  assert.ok(finding, `${kind} is not found; found: ${findings.map((one) => one.kind).join(', ') || 'nothing'}`);
  const named = finding.examples.some((example) => says.every((part) => example.includes(part)));
  assert.ok(named, `no example of ${kind} says ${says.join(' and ')}:\n${finding.examples.join('\n')}`);
}

async function scene([seed, steps]: [number, number]): Promise<Scene> {
  return healthyScene(seed, steps);
}

describe('a planted fault is named', () => {
  const planted = new Set<FindingKind>();
  for (const [name, plant] of Object.entries(PLANTS)) {
    test(name, async () => {
      let placed = 0;
      await fc.assert(
        fc.asyncProperty(scenes, async (where) => {
          const one = await scene(where);
          const fault = plant(one);
          if (fault === null) return;
          placed += 1;
          planted.add(fault.kind);
          const report = await checkScene(one);
          assertNamed(report, fault);
          const expected = [fault.kind, ...(fault.also ?? [])];
          const others = report.findings.filter(({ kind }) => !expected.includes(kind));
          assert.deepEqual(others, [], 'it is taken for another fault as well');
        }),
        { numRuns: RUNS },
      );
      assert.ok(placed >= RUNS / 4, `it found a place in ${placed} of ${RUNS} systems only`);
    });
  }

  test('of every kind', () => assert.deepEqual([...planted].sort(), Object.keys(KINDS).sort()));
});

test('one planted fault does not hide another', async () => {
  const plants = Object.values(PLANTS);
  const index = fc.nat({ max: plants.length - 1 });
  await fc.assert(
    fc.asyncProperty(scenes, index, index, async (where, first, second) => {
      const one = await scene(where);
      const faults = [plants[first]!(one), plants[second]!(one)].filter((fault) => fault !== null);
      // the second may undo the first
      if (faults[0]?.kind === faults[1]?.kind) return;
      // what makes other things untrue as well may make the other fault none
      if (faults.some(({ also }) => also !== undefined)) return;
      const report = await checkScene(one);
      for (const fault of faults) assertNamed(report, fault);
    }),
    { numRuns: 150 },
  );
});
