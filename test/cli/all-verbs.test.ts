import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addVerbs, VERBS } from '../../src/cli/all-verbs.ts';
import { VerbContext } from '../../src/cli/verbs.ts';
import { verb } from './support/verb.ts';

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

test('a help begins with what the verb has of its own, and has the settings last', async () => {
  const { code, stdout } = await verb('topics', 'create', '--help');
  assert.equal(code, 0);
  assert.match(stdout, /\nOptions:\n {2}-t, --topic.*\n\nSettings:\n.* --data-dir /s);
  assert.doesNotMatch(stdout, /default: (\{|\[)/);
});
