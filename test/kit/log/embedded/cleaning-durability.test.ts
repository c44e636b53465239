import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMPACTED, CUT, KEYS } from './cleaning-appender.ts';
import { directoryFor, openStore, readAll } from './store-support.ts';

const KILLS = 5;

test('kill -9 in the midst of cleaning leaves a log that can be read and cleaned on', {
  timeout: 60_000,
}, async (t) => {
  const directory = await directoryFor(t);
  const acknowledged = new Map([
    [COMPACTED.topic, 0],
    [CUT.topic, 0],
  ]);
  let start = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = fork(join(import.meta.dirname, 'cleaning-appender.ts'), [directory], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    t.after(() => child.kill('SIGKILL'));
    let count = 0;
    child.on('message', (message: { topic?: string; acknowledged?: number; start?: number }) => {
      if (message.start !== undefined) start = message.start;
      else acknowledged.set(message.topic!, message.acknowledged!);
      if (++count === 400 + kill * 37) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');

    const store = openStore(t, { directory });
    for (const isCleaned of [false, true]) {
      if (isCleaned) await store.cleanNow();
      const { end } = store.offsets(COMPACTED);
      assert.ok(end >= acknowledged.get(COMPACTED.topic)!);
      const left = new Map<string, number>();
      for (const { key, value, offset } of readAll(store, COMPACTED)) {
        assert.equal(Number(value), offset);
        assert.ok(offset > (left.get(String(key)) ?? -1));
        left.set(String(key), offset);
      }
      for (let offset = end - KEYS; offset < end; offset++) assert.equal(left.get(`k${offset % KEYS}`), offset);

      const cut = store.offsets(CUT);
      assert.ok(cut.start >= start && cut.end >= acknowledged.get(CUT.topic)!);
      const offsets = readAll(store, CUT).map(({ offset }) => offset);
      assert.deepEqual(
        offsets,
        Array.from({ length: cut.end - cut.start }, (_, i) => cut.start + i),
      );
    }
    await store.close();
  }
  assert.ok(start > 0);
});
