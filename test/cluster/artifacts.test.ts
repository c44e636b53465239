import assert from 'node:assert/strict';
import { access, chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { jolokiaAgent, kafkaLibraries, LIBRARIES_FOLDER } from '../../src/cluster/artifacts.ts';

/** Runs with a PATH that has only these programs, each a shell script. */
async function withPrograms(
  programs: Readonly<Record<string, string>>,
  run: (cache: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-artifacts-'));
  const path = process.env.PATH;
  try {
    for (const [name, script] of Object.entries(programs)) {
      await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(directory, name), 0o755);
    }
    process.env.PATH = directory;
    await run(join(directory, 'cache'));
  } finally {
    process.env.PATH = path;
    await rm(directory, { recursive: true, force: true });
  }
}

const ignore = (): void => {};
const AGENT = basename(jolokiaAgent(''));
/** Maven's part: makes the folder named by -DoutputDirectory. */
const FETCH = `for a; do case $a in -DoutputDirectory=*) IFS==; set -- $a; /bin/mkdir -p "$2"; : > "$2/kafka.jar"; : > "$2/${AGENT}";; esac; done`;

test('what is missing is named with the command that installs it', async () => {
  await withPrograms({}, async (cache) => {
    await assert.rejects(kafkaLibraries(cache, ignore), {
      code: 'MISSING_COMPONENT',
      details: { component: 'java', install: 'apt-get install openjdk-17-jre-headless' },
    });
  });
  await withPrograms({ java: 'exit 0' }, async (cache) => {
    await assert.rejects(kafkaLibraries(cache, ignore), {
      code: 'MISSING_COMPONENT',
      message: /apt-get install maven/,
    });
  });
});

test('jars are fetched once', async () => {
  await withPrograms({ java: 'exit 0', mvn: FETCH }, async (cache) => {
    const progress: string[] = [];
    const libraries = await kafkaLibraries(cache, (text) => progress.push(text));
    assert.equal(libraries, join(cache, LIBRARIES_FOLDER));
    assert.deepEqual((await readdir(libraries)).sort(), ['agent', 'kafka.jar'], 'the agent is not on the class path');
    await access(jolokiaAgent(libraries));
    assert.equal(await kafkaLibraries(cache, (text) => progress.push(text)), libraries);
    assert.equal(progress.length, 1);
    assert.deepEqual(await readdir(cache), [LIBRARIES_FOLDER]);
  });
});

test('a fetch that fails half way is an error and leaves nothing that looks whole', async () => {
  const cutOff = `case $1 in -version) exit 0;; esac\n${FETCH}\necho 'no route to host'; exit 1`;
  await withPrograms({ java: 'exit 0', mvn: cutOff }, async (cache) => {
    await assert.rejects(kafkaLibraries(cache, ignore), {
      code: 'ARTIFACTS_UNAVAILABLE',
      retriable: true,
      message: /no route to host/,
    });
    assert.deepEqual(await readdir(cache), []);
  });
});

test('two fetches at once agree', async () => {
  await withPrograms({ java: 'exit 0', mvn: FETCH }, async (cache) => {
    const [one, two] = await Promise.all([kafkaLibraries(cache, ignore), kafkaLibraries(cache, ignore)]);
    assert.equal(one, two);
    assert.deepEqual(await readdir(cache), [LIBRARIES_FOLDER]);
  });
});
