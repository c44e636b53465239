import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Command, Option } from 'commander';
import { completionVerb } from '../../src/cli/completion.ts';
import { patiently, run as runProgram } from '../support/programs.ts';
import { type ServedLog, serveLog } from '../support/served-log.ts';
import { dataDirectory } from '../support/streamsocial.ts';
import { verb } from './support/verb.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const hasZsh = spawnSync('zsh', ['--version'], { stdio: 'ignore' }).status === 0;

describe('shell completion', { timeout: 240_000 }, () => {
  let served: ServedLog;
  let script: string;
  before(async () => {
    served = await serveLog();
    await served.log.createTopics([
      { name: 'orders', partitions: 1 },
      { name: 'order-items', partitions: 1 },
    ]);
    for (const group of ['billing', '$(echo shipping)'])
      await served.log.group(group).commit([{ topic: 'orders', partition: 0, offset: 0 }]);
    script = (await verb('completion', 'bash')).stdout;
  });
  after(() => served.close());

  /** What bash is offered for words as it breaks them: at `:` and `=` too. */
  async function offer(t: TestContext, command: string, typed: readonly string[]): Promise<string[]> {
    const ask = `${script}
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _streamsocial; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await runProgram(t, 'bash', ['-s', command, ...typed], { input: ask });
    assert.equal(stderr, '', typed.join(' '));
    return stdout.split('\n').filter(Boolean);
  }

  async function executable(t: TestContext, text: string): Promise<string> {
    const file = join(await dataDirectory(t), 'streamsocial');
    await writeFile(file, `#!/bin/sh\n${text}\n`);
    await chmod(file, 0o755);
    return file;
  }

  test('offers what bash has typed so far, from the verbs themselves', async (t) => {
    const names = await executable(t, 'echo "$@"');
    const cases: [typed: string[], offered: string[]][] = [
      [['to'], ['topics']],
      [
        ['groups', 'de'],
        ['describe', 'delete', 'delete-offsets'],
      ],
      [
        ['topics', 'describe', '--un'],
        ['--under-replicated', '--unavailable'],
      ],
      [
        ['topics', 'list', '--web-'],
        ['--web-host', '--web-port'],
      ],
      [
        ['completion', ''],
        ['bash', 'zsh'],
      ],
      [
        ['produce', '--acks', ''],
        ['0', '1', 'all'],
      ],
      [['produce', '--acks', '=', 'a'], ['all']],
      [['topics', 'alter', '--partitions', ''], []],
      [['--ver'], ['--version']],
      // how the log is asked for names
      [
        ['consume', '--bootstrap', '=', 'host', ':', '9092', '--topic', ''],
        ['__complete', 'topics', '--bootstrap', 'host:9092'],
      ],
    ];
    for (const [typed, offered] of cases) assert.deepEqual(await offer(t, names, typed), offered, typed.join(' '));
  });

  test('offers topics and groups from the log, and nothing where there is none to ask', async (t) => {
    const command = await executable(t, `exec '${process.execPath}' '${main}' "$@"`);
    const [host, port] = served.bootstrap.split(':') as [string, string];
    const at = ['-b', host, ':', port];
    const nothing = join(await dataDirectory(t), 'nothing');
    const cases: [typed: string[], offered: string[]][] = [
      [['topics', 'describe', ...at, '-t', 'order-'], ['order-items']],
      [['groups', 'describe', ...at, ''], ['billing']],
      [['topics', 'describe', '-b', host, ':', '1', '-t', ''], []],
      [['topics', 'describe', '--data-dir', nothing, '-t', ''], []],
    ];
    // on a busy machine the log may answer later than anybody waits for a key
    const isOffered = ([typed, offered]: (typeof cases)[number]) =>
      patiently(async () => isDeepStrictEqual(await offer(t, command, typed), offered), {
        what: `${typed.join(' ')} -> ${offered.join(' ')}`,
      });
    await Promise.all(cases.map(isOffered));
  });

  test('a verb that is added is offered without a line being written for it', async (t) => {
    const program = new Command('streamsocial');
    const noun = program.command('fruit');
    noun.command('peel').addOption(new Option('--kind <kind>', 'kind').choices(['apple', "d'Anjou"]));
    noun.command('secret', { hidden: true });
    completionVerb(program);
    const written: string[] = [];
    const write = t.mock.method(process.stdout, 'write', (text: string) => written.push(text) > 0);
    await program.parseAsync(['completion', 'bash'], { from: 'user' });
    write.mock.restore();
    const text = written.join('');
    assert.match(text, /'\/fruit'\) offered='peel' ;;/);
    assert.match(text, /'\/fruit\/peel --kind'\) COMPREPLY=\(\$\(compgen -W 'apple d'\\''Anjou' /);
    assert.doesNotMatch(text, /secret/);
  });

  test('zsh takes the same function', async (t) => {
    const zsh = (await verb('completion', 'zsh')).stdout;
    assert.match(zsh, /bashcompinit/);
    assert.equal(
      zsh.slice(zsh.indexOf('_streamsocial_names()')),
      script.slice(script.indexOf('_streamsocial_names()')),
    );
    if (hasZsh) await runProgram(t, 'zsh', ['-n'], { input: zsh });
    const unknown = await verb('completion', 'fish');
    assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  });
});
