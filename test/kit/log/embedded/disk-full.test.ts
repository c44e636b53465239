import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { SmallDisk } from '../../../../src/drills/faults/small-disk.ts';
import { isKitError } from '../../../../src/kit/errors.ts';
import { EmbeddedLog } from '../../../../src/kit/log/embedded/embedded-log.ts';
import { GroupStore } from '../../../../src/kit/log/embedded/group-store.ts';
import { writeFailure } from '../../../../src/kit/log/embedded/write-queue.ts';
import { HighVolumeProducer } from '../../../../src/kit/producers/high-volume-producer.ts';

const AT = { topic: 't', partition: 0 };
const PAYLOAD = Buffer.alloc(8_192, 'x');
const record = () => ({ key: null, value: PAYLOAD, headers: [], timestamp: 0 });

async function smallDisk(t: TestContext): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), 'disk-full-'));
  const disk = await SmallDisk.mount(directory, 8 * 1024 * 1024);
  t.after(async () => {
    await disk.unmount();
    await rm(directory, { recursive: true, force: true });
  });
  return disk;
}

test('what SQLite says of a failed transaction, in the words of the log', () => {
  const told = (errcode?: number) => {
    const error = writeFailure(errcode === undefined ? { message: 'm' } : { message: 'm', errcode });
    return [error.code, error.retriable, error.details.maybeStored];
  };
  const SQLITE_IOERR_FSYNC = 1034;
  assert.deepEqual(told(13), ['DISK_FULL', true, false]);
  assert.deepEqual(told(4874), ['DISK_FULL', true, false]);
  assert.deepEqual(told(SQLITE_IOERR_FSYNC), ['LOG_UNAVAILABLE', true, true]);
  assert.deepEqual(told(), ['LOG_UNAVAILABLE', true, false]);
});

describe('a disk that is full', { skip: SmallDisk.isPossible ? false : 'needs root: it mounts a tmpfs' }, () => {
  test('appends fail with DISK_FULL, reading goes on, and they work again once there is room', async (t) => {
    const disk = await smallDisk(t);
    const log = await EmbeddedLog.open({ directory: join(disk.directory, 'log'), cacheBytes: 0 });
    try {
      await log.createTopics([{ name: 't', partitions: 1 }]);
      await log.append({ ...AT, records: [record()] });
      disk.fill();
      const batch = { ...AT, records: [record(), record()] };
      const failed = { code: 'DISK_FULL', retriable: true, details: { maybeStored: false } };
      let stored = 1;
      const append = async () => {
        const { baseOffset } = await log.append({ ...AT, records: [record()] });
        assert.equal(baseOffset, stored);
        stored += 1;
      };
      // what was reserved before may still take some
      await assert.rejects(async () => {
        for (let i = 0; i < 1_000; i++) await append();
      }, failed);
      await assert.rejects(log.append(batch), failed);
      assert.equal((await log.read({ ...AT, offset: 0 })).records[0]?.value?.length, PAYLOAD.length);
      disk.free();
      assert.deepEqual(await log.append(batch), { baseOffset: stored });
      await log.createTopics([{ name: 'later', partitions: 1 }]);
    } finally {
      await log.close();
    }
  });

  test('a caller that waits in vain is told why', async (t) => {
    const disk = await smallDisk(t);
    const log = await EmbeddedLog.open({ directory: join(disk.directory, 'log') });
    const producer = new HighVolumeProducer({ log });
    try {
      await log.createTopics([{ name: 't', partitions: 1 }]);
      disk.fill();
      const send = (ackTimeoutMs: number) => producer.send({ ...AT, key: null, value: PAYLOAD }, { ackTimeoutMs });
      await assert.rejects(
        async () => {
          for (let i = 0; i < 1_000; i++) await send(300);
        },
        (error) => isKitError(error, 'ACK_PENDING') && error.details.because === 'DISK_FULL',
      );
      const late = send(300);
      await assert.rejects(late, { code: 'LOG_UNAVAILABLE', retriable: true, message: /disk .* is full/ });
      assert.equal(producer.health().lastErrorCode, 'DISK_FULL');
      const patient = send(60_000);
      disk.free();
      assert.ok((await patient).offset > 0);
      assert.equal(producer.health().lastErrorCode, null);
    } finally {
      await producer.close();
      await log.close();
    }
  });

  test('the groups of the log go on: a generation that cannot be stored is no failure of the program', async (t) => {
    const disk = await smallDisk(t);
    const store = new GroupStore(disk.directory);
    const group = { id: 'g', generation: 7, protocolType: 'consumer' };
    try {
      disk.fill();
      const unavailable = { name: 'KitError', code: 'STORE_UNAVAILABLE', retriable: true };
      assert.throws(() => {
        for (let generation = 0; generation < 1_000; generation++)
          store.saveGroup({ ...group, id: 'g'.repeat(3_000) + generation }, null);
      }, unavailable);
      disk.free();
      store.saveGroup(group, null);
      assert.deepEqual(store.group('g'), group);
    } finally {
      store.close();
    }
  });
});
