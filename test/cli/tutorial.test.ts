import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { Stage } from '../../src/cli/tutorial-stage.ts';
import { STEPS } from '../../src/cli/tutorial-steps.ts';
import { run } from '../support/streamsocial.ts';
import { appendTexts } from '../support/wire-records.ts';

interface StepReport {
  readonly step: number;
  readonly name: string;
  readonly ok: boolean;
  readonly fact: string;
  readonly commands: readonly { readonly command: string; readonly exit_code: number }[];
}

const left = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('streamsocial-tutorial-'));

describe('the tutorial', { timeout: 180_000 }, () => {
  it('goes through every step, checks each, and leaves nothing behind', async () => {
    const before = await left();
    const { code, stdout, stderr } = await run(['tutorial', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const reports = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as StepReport);
    const total = reports.pop() as unknown as { passed: number; ended: string };
    assert.deepEqual([total.passed, total.ended], [STEPS.length, 'done']);
    assert.deepEqual(
      reports.map(({ name, ok }) => [name, ok]),
      STEPS.map(({ name }) => [name, true]),
    );
    for (const { commands } of reports)
      for (const { command, exit_code } of commands) {
        assert.match(command, /streamsocial (topics|produce|consume|groups) .*-b 127\.0\.0\.1:\d+/s);
        assert.equal(exit_code, 0, command);
      }
    const fact = (name: string) => reports.find((report) => report.name === name)!.fact;
    assert.match(fact('two members of one group'), /one has partition .*, the other .*none twice/);
    assert.match(fact('a member crashes'), /the survivor has all 3 partitions/);
    assert.equal(fact('offsets and lag'), 'notification is 2 of 23 records behind');
    const now = await left();
    assert.deepEqual(
      now.filter((name) => !before.includes(name)),
      [],
    );
  });

  it('a step whose log is not as it should be fails its check', async () => {
    await using stage = await Stage.open();
    await stage.log.createTopics([{ name: 'order-placed', partitions: 3 }]);
    await appendTexts(stage.log, { topic: 'order-placed', partition: 0 }, ['one too many']);
    const { check } = await STEPS[2]!.play(stage, { members: [] });
    assert.deepEqual(check, { ok: false, fact: 'the log holds 16 records in 3 partitions' });
  });
});
