import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addVerbs, VERBS } from '../../src/cli/all-verbs.ts';
import { VerbContext } from '../../src/cli/verbs.ts';

async function namesFor(firstWord?: string): Promise<string[]> {
  const program = new Command('streamsocial');
  await addVerbs(program, new VerbContext(), firstWord);
  return program.commands.map((command) => command.name());
}

test('each word leads to its verb, and to that alone', async () => {
  const all = Object.keys(VERBS);
  for (const word of all.filter((one) => one !== 'completion')) assert.deepEqual(await namesFor(word), [word]);
  for (const word of [undefined, '--help', 'help', 'completion', 'toString', 'topcis'])
    assert.deepEqual(await namesFor(word), all, word);
});
