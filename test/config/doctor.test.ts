import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { atLeast, doctor, versionIn } from '../../src/config/doctor.ts';
import { loadSettings } from '../../src/config/settings.ts';

test('the version in what a program prints', () => {
  assert.deepEqual(versionIn('openjdk version "17.0.9" 2023-10-17\nOpenJDK Runtime Environment'), [17, 0, 9]);
  assert.deepEqual(versionIn('openjdk version "21" 2023-09-19'), [21]);
  assert.deepEqual(versionIn('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0'), [7, 0, 15]);
  assert.deepEqual(versionIn('kcat - Copyright (c) 2014-2021, Magnus Edenhill\nVersion 1.7.1 (JSON)'), [1, 7, 1]);
  assert.deepEqual(versionIn('no number'), []);
});

test('versions are compared as numbers', () => {
  assert.ok(atLeast([24, 10], [24, 6]));
  assert.ok(atLeast([25], [24, 6]));
  assert.ok(atLeast([17], [17]));
  assert.ok(!atLeast([24, 5], [24, 6]));
  assert.ok(!atLeast([], [17]));
});

test('looks at the machine, says what each thing is for and what to do about it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const dataDir = join(tmpdir(), 'not', 'there', 'yet');
  const { settings } = loadSettings({ env: {}, flags: { webPort: port, dataDir }, cwd: tmpdir() });

  const checks = await doctor(settings);
  const byName = new Map(checks.map((check) => [check.name, check]));
  assert.equal(byName.get('node')?.status, 'ok');
  assert.equal(byName.get('node')?.found, process.versions.node);
  assert.equal(byName.get(`port ${port}`)?.status, 'taken');
  assert.equal(byName.get('data folder')?.status, 'ok');
  assert.match(byName.get('disk space')?.found ?? '', /^\d+\.\d GiB free$/);
  for (const name of ['npm', 'java', 'mvn', 'redis-server', 'chromium', 'kcat']) assert.ok(byName.has(name), name);
  for (const { name, status, neededFor, remedy } of checks) {
    assert.ok(neededFor !== '', name);
    assert.equal(remedy === '', status === 'ok', name);
  }
});
