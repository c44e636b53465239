import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';
import { PARTITIONS, TOPIC } from './appender.ts';

const KILLS = 4;
const ACKNOWLEDGEMENTS_BEFORE_KILL = 60;

test('what was acknowledged survives kill -9, and the directory is usable at once', { timeout: 60_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'durability-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const acknowledged = new Array<number>(PARTITIONS).fill(0);
  for (let kill = 0; kill < KILLS; kill++) {
    const child = fork(join(import.meta.dirname, 'appender.ts'), [directory], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    t.after(() => child.kill('SIGKILL'));
    let count = 0;
    child.on('message', (message: { partition: number; acknowledged: number }) => {
      acknowledged[message.partition] = message.acknowledged;
      if (++count === ACKNOWLEDGEMENTS_BEFORE_KILL) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');

    const log = await EmbeddedLog.open({ directory });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const [end] = await log.listOffsets([{ topic: TOPIC, partition, at: 'latest' }]);
      assert.ok(
        end! >= acknowledged[partition]!,
        `partition ${partition} ends at ${end}, acknowledged ${acknowledged[partition]}`,
      );
      for (let next = 0; next < end!; ) {
        const { records } = await log.read({ topic: TOPIC, partition, offset: next });
        for (const { value } of records) assert.equal(String(value), `${partition}/${next++}`);
      }
    }
    await log.close();
  }
  assert.ok(acknowledged.every((end) => end > 0));
});
