import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askLauncher, type ControlRequest, controlPath, serveControl } from '../../src/cluster/control-socket.ts';
import { KitError } from '../../src/kit/errors.ts';

describe('control socket', { skip: process.platform === 'win32' && 'needs Unix sockets' }, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-control-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const start: ControlRequest = { verb: 'start', server: 'kafka-1', waitIsr: true };

  test('carries a request, its progress and its end', async () => {
    const asked: ControlRequest[] = [];
    const control = await serveControl(join(directory, 'a.sock'), async (request, progress) => {
      asked.push(request);
      progress('half way');
    });
    const progress: string[] = [];
    await askLauncher(control.path, start, { timeoutMs: 5_000, onProgress: (text) => progress.push(text) });
    await askLauncher(control.path, { verb: 'stop' }, { timeoutMs: 5_000 });
    assert.deepEqual(asked, [start, { verb: 'stop' }]);
    assert.deepEqual(progress, ['half way']);
    assert.equal((await stat(control.path)).mode & 0o777, 0o600);
    await control.close();
    await assert.rejects(stat(control.path), { code: 'ENOENT' });
  });

  test('an error arrives as it was thrown', async () => {
    const control = await serveControl(join(directory, 'b.sock'), async () => {
      throw new KitError('PORT_IN_USE', 'taken', { retriable: true, details: { port: 9 } });
    });
    await assert.rejects(askLauncher(control.path, start, { timeoutMs: 5_000 }), {
      code: 'PORT_IN_USE',
      message: 'taken',
      retriable: true,
      details: { port: 9 },
    });
    await control.close();
  });

  test('what cannot be read, or never ends, is refused', async () => {
    let handled = 0;
    const control = await serveControl(join(directory, 'c.sock'), async () => {
      handled++;
    });
    for (const text of ['no json\n', '{"verb":"format"}\n', '{"verb":"start"}\n', 'x'.repeat(10_000)]) {
      const socket = createConnection(control.path);
      socket.write(text);
      const [answer] = await once(socket.setEncoding('utf8'), 'data');
      assert.equal(JSON.parse(answer).error.code, 'INVALID_ARGUMENT', text.slice(0, 20));
      socket.destroy();
    }
    assert.equal(handled, 0);
    await control.close();
  });

  test('a launcher that is gone, or silent, is named as such', async () => {
    await assert.rejects(askLauncher(join(directory, 'absent.sock'), start, { timeoutMs: 5_000 }), {
      code: 'LAUNCHER_GONE',
      message: /streamsocial cluster up/,
    });
    const done = Promise.withResolvers<void>();
    const control = await serveControl(join(directory, 'd.sock'), () => done.promise);
    await assert.rejects(askLauncher(control.path, start, { timeoutMs: 50 }), {
      code: 'LAUNCHER_SILENT',
      retriable: true,
    });
    done.resolve();
    await control.close();
  });

  test('a socket that a killed launcher left behind is replaced', async () => {
    const path = join(directory, 'e.sock');
    const left = await serveControl(path, async () => {});
    const control = await serveControl(path, async () => {});
    await askLauncher(path, { verb: 'stop' }, { timeoutMs: 5_000 });
    await control.close();
    await left.close();
  });

  test('a long path moves to the temporary directory', () => {
    assert.equal(controlPath('/srv/.streamsocial/cluster'), '/srv/.streamsocial/cluster/control.sock');
    const long = controlPath(`/${'d'.repeat(150)}`);
    assert.match(long, /streamsocial-[0-9a-f]{16}\.sock$/);
    assert.ok(Buffer.byteLength(long) <= 103);
    assert.notEqual(long, controlPath(`/${'e'.repeat(150)}`));
  });
});
