/** What only whole processes show: a pipe that closes, Ctrl-C. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run as runProgram } from '../support/programs.ts';
import { serveLog } from '../support/served-log.ts';
import { launch } from '../support/streamsocial.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describe('administration in processes', { concurrency: 2, timeout: 240_000 }, () => {
  test('a pipe that closes early is an end, not a failure', async (t) => {
    const served = await serveLog();
    t.after(() => served.close());
    const names = Array.from({ length: 2_000 }, (_, index) => `a-topic-with-a-rather-long-name-${index}`);
    await served.log.createTopics(names.map((name) => ({ name, partitions: 1 })));
    const command = `'${process.execPath}' '${main}' topics list --json -b ${served.bootstrap} | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await runProgram(t, 'bash', ['-c', command]);
    assert.match(stdout, /^\{.*\}\n0\n$/);
    assert.equal(stderr, '');
  });

  test('Ctrl-C ends a verb whose broker says nothing, without a word', async (t) => {
    const mute = createServer();
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    t.after(() => void mute.close());
    const asked = once(mute, 'connection');
    const { port } = mute.address() as AddressInfo;
    const verb = launch(t, ['groups', 'list', '-b', `127.0.0.1:${port}`]);
    const [socket] = (await asked) as [{ destroy(): void }];
    t.after(() => socket.destroy());
    verb.child.kill('SIGINT');
    await verb.ended;
    assert.equal(verb.child.signalCode, 'SIGINT');
    assert.equal(verb.output(), '');
  });
});
