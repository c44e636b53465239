import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { classArchiveFlags, makeClassArchive } from '../../src/cluster/class-archive.ts';

/** Says that it is up, and leaves an archive when it is asked to end, as a broker does. */
const BROKER = `
[ "$1" = -version ] && { echo "java $JAVA" >&2; exit 0; }
for a; do case $a in -XX:ArchiveClassesAtExit=*) archive=\${a#*=};; esac; done
[ -z "$archive" ] && exit 0
trap 'echo "classes of $JAVA" > "$archive"; exit 143' TERM
echo '[main] INFO kafka.server.KafkaRaftServer - Kafka Server started' >&2
while :; do /bin/sleep 0.02; done`;
const BROKEN = '[ "$1" = -version ] || exit 1';

/** A folder for jars, with a `java` of the test's. */
async function librariesWith(t: TestContext, java: string): Promise<string> {
  const programs = await mkdtemp(join(tmpdir(), 'streamsocial-java-'));
  const libraries = await mkdtemp(join(tmpdir(), 'streamsocial-jars-'));
  const path = process.env.PATH;
  process.env.PATH = `${programs}:${path}`;
  t.after(async () => {
    process.env.PATH = path;
    for (const directory of [programs, libraries]) await rm(directory, { recursive: true, force: true });
  });
  await writeFile(join(programs, 'java'), `#!/bin/sh\n${java}\n`);
  await chmod(join(programs, 'java'), 0o755);
  return libraries;
}

test('the classes of a broker that is up are kept, once for each Java, where a JVM is told to look', async (t) => {
  const libraries = await librariesWith(t, BROKER);
  t.after(() => delete process.env.JAVA);
  const [flag] = classArchiveFlags(libraries);
  const archive = flag!.slice(flag!.indexOf('=') + 1);
  for (const java of ['17', '21']) {
    process.env.JAVA = java;
    const progress: string[] = [];
    for (let time = 1; time <= 2; time++) await makeClassArchive(libraries, (text) => progress.push(text));
    assert.equal(progress.length, 1);
    assert.deepEqual(await readdir(libraries), ['classes.jsa', 'classes.jsa.java']);
    assert.equal(await readFile(archive, 'utf8'), `classes of ${java}\n`);
  }
});

test('where they cannot be had there is no error, nothing is left, and it is not tried at every start', async (t) => {
  const libraries = await librariesWith(t, BROKEN);
  const progress: string[] = [];
  for (let time = 1; time <= 2; time++) await makeClassArchive(libraries, (text) => progress.push(text));
  assert.equal(progress.length, 1);
  assert.deepEqual(await readdir(libraries), ['classes.jsa.java']);
});
