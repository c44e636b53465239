/** The tree keeps its own rules. Each rule is first shown a file that breaks it, so that it is known to be able to fail. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { environmentNames, settingKeys } from '../src/config/setting-definitions.ts';
import {
  badFileNames,
  barrels,
  codesIn,
  cycles,
  deadReferences,
  differences,
  environmentReaders,
  errorCodes,
  MAX_LINES,
  machineTraces,
  type TextFile,
  tableKeys,
  tooLong,
  wrongDirection,
} from './tidy-rules.ts';

const root = join(import.meta.dirname, '..');
const NOT_OURS = new Set(['node_modules', '.node', '.git', 'dist', '.streamsocial', 'assets/dashboard']);
const TEXT = /\.([cm]?[jt]sx?|json|md|ya?ml|xml|svg|css|html|sh|toml)$|(^|\/)(\.[a-z]+|LICENSE|streamsocial|run)$/;

const everything = readTree('');
const typescript = everything.filter(({ path }) => /\.tsx?$/.test(path));
const source = typescript.filter(({ path }) => path.startsWith('src/'));
const documents = everything.filter(({ path }) => path.endsWith('.md'));

function readTree(folder: string): TextFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) || NOT_OURS.has(path) ? [] : readTree(path);
    return entry.isFile() && TEXT.test(path) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });
}

function document(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function file(path: string, text = ''): TextFile {
  return { path, text };
}

const none: string[] = [];

describe('imports go one way', () => {
  test('a planted violation is found', () => {
    const broken = [
      file('src/kit/a.ts', "import { b } from '../domains/social/b.ts';"),
      file('src/domains/social/b.ts', "import type { c } from '../bookstore/c.ts';"),
      file('src/api/d.ts', "const { e } = await import('../cli/e.ts');"),
      file('src/kit/f.ts', "new Worker(new URL('../pipelines/g.ts', import.meta.url));"),
      file('src/kit/h.ts', "import { x } from '../../test/x.ts';"),
      file('src/cave/i.ts', "import { x } from '../kit/x.ts';"),
      file('src/dashboard/j.tsx', "import { k } from '../api/k.ts';"),
      file('src/cli/fine.ts', "import { x } from '../kit/x.ts';"),
      file('src/dashboard/fine.tsx', "import type { x } from '../api/x.ts';"),
    ];
    assert.equal(wrongDirection(broken).length, 7);
  });
  test('the tree', () => assert.deepEqual(wrongDirection(source), none));
});

describe('no import cycle', () => {
  test('a planted violation is found', () => {
    const broken = [
      file('src/kit/a.ts', "import type { B } from './b.ts';"),
      file('src/kit/b.ts', "export { c } from './c.ts';"),
      file('src/kit/c.ts', "import { a } from './a.ts';"),
    ];
    assert.deepEqual(cycles(broken), ['src/kit/a.ts -> src/kit/b.ts -> src/kit/c.ts -> src/kit/a.ts']);
  });
  test('the tree', () => assert.deepEqual(cycles(typescript), none));
});

describe('no barrel files', () => {
  test('a planted violation is found', () =>
    assert.equal(barrels([file('src/kit/index.ts'), file('src/kit/index-page.ts')]).length, 1));
  test('the tree', () => assert.deepEqual(barrels(typescript), none));
});

describe(`no file over ${MAX_LINES} lines without a reason`, () => {
  test('a planted violation is found', () => {
    const lines = 'x\n'.repeat(MAX_LINES);
    const files = [
      file('a.ts', `${lines}x\n`),
      file('b.ts', lines),
      file('c.ts', `// Long because one table is.\n${lines}`),
    ];
    assert.deepEqual(tooLong(files), [`a.ts has ${MAX_LINES + 1} lines`]);
  });
  test('the tree', () => assert.deepEqual(tooLong(typescript), none));
});

describe('only src/config reads the environment', () => {
  test('a planted violation is found', () => {
    const reader = 'const { HOME } = process.env;';
    assert.deepEqual(environmentReaders([file('src/config/a.ts', reader), file('src/api/b.ts', reader)]), [
      'src/api/b.ts',
    ]);
  });
  test('the tree', () => assert.deepEqual(environmentReaders(source), none));
});

describe('error codes and docs/errors.md agree', () => {
  const planted = file(
    'src/a.ts',
    "throw new KitError('ONE'); dead('why', 'TWO'); return { code: 'THREE' }; const x = 'FOUR'; fail(x ? 'a' : 'b')",
  );
  test('codes are found where they are made', () => {
    assert.deepEqual(codesIn([planted]), ['ONE', 'THREE', 'TWO']);
    assert.deepEqual(codesIn([file('src/b.ts', "new KitError(old ? 'A_B' : 'C', 'text')")]), ['A_B', 'C']);
  });
  test('a planted violation is found, in both directions', () =>
    assert.deepEqual(errorCodes([planted], ['ONE', 'TWO', 'FOUR', 'FIVE']), [
      'THREE is thrown and not in docs/errors.md',
      'FIVE is in docs/errors.md and nowhere in src',
    ]));
  test('the tree', () => assert.deepEqual(errorCodes(source, tableKeys(document('docs/errors.md'))), none));
});

describe('settings and docs/configuration.md agree', () => {
  const page = document('docs/configuration.md');
  test('a planted violation is found, in both directions', () =>
    assert.deepEqual(differences(['a', 'b'], ['b', 'c'], 'one', 'two'), [
      'a is in one and not in two',
      'c is in two and not in one',
    ]));
  test('settings', () =>
    assert.deepEqual(differences(settingKeys, tableKeys(page), 'src/config', 'docs/configuration.md'), none));
  test('environment variables', () => {
    const named = Array.from(page.matchAll(/`((?:STREAMSOCIAL|WEB|KAFKA|REDIS)_[A-Z_]+)`/g), (match) => match[1]!);
    assert.deepEqual(differences(environmentNames(), [...new Set(named)], 'src/config', 'docs/configuration.md'), none);
  });
});

describe('nothing tells of the machine it was made on', () => {
  test('a planted violation is found', () => {
    const traces = ['home/me/x', 'work/main', 'Users/me/x'].map((path, index) => file(`${index}.md`, `see /${path}/y`));
    const lock = file('package-lock.json', '{\n"resolved": "x"}');
    assert.equal(
      machineTraces([...traces, lock, file('a.md', `https://registry.${'npmjs'}.org`), file('fine.md', 'src/work/a')])
        .length,
      5,
    );
  });
  test('the tree', () => assert.deepEqual(machineTraces(everything), none));
});

describe('file names are kebab-case', () => {
  test('a planted violation is found', () =>
    assert.deepEqual(badFileNames([file('src/EventLog.ts'), file('src/event_log.ts'), file('src/event-log.test.ts')]), [
      'src/EventLog.ts',
      'src/event_log.ts',
    ]));
  test('the tree', () => assert.deepEqual(badFileNames(everything), none));
});

describe('documents refer to what is there', () => {
  test('a planted violation is found', () => {
    const page = file(
      'docs/a.md',
      '[x](b.md) [y](https://e.org) `src/kit/gone.ts` <img src="c.svg"> [z](../README.md#top)',
    );
    assert.deepEqual(
      deadReferences([page], (path) => path === 'README.md'),
      ['docs/a.md names docs/b.md', 'docs/a.md names docs/c.svg', 'docs/a.md names src/kit/gone.ts'],
    );
  });
  test('the tree', () =>
    assert.deepEqual(
      deadReferences(documents, (path) => existsSync(join(root, path))),
      none,
    ));
});
