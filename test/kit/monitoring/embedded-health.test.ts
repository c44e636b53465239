import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { EmbeddedHealth } from '../../../src/kit/monitoring/embedded-health.ts';

test('the embedded log is one broker that runs; what it has not is null', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-health-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const log = await EmbeddedLog.open({ directory });
  await log.createTopics([{ name: 't', partitions: 2 }]);
  const health = new EmbeddedHealth({ log, groups: ['g'], maxAgeMs: 0 });
  await health.report();
  const record = (timestamp: number) => ({ key: null, value: Buffer.from('v'), headers: [], timestamp });
  await log.append({ topic: 't', partition: 1, records: [record(Date.now() - 90_000), record(Date.now() - 60_000)] });
  await log.group('g').commit([{ topic: 't', partition: 1, offset: 1 }]);

  const report = await health.report();
  assert.deepEqual([report.mode, report.status, report.broker_count], ['embedded', 'healthy', 1]);
  const [broker] = report.brokers;
  assert.deepEqual([broker!.state, broker!.role, broker!.leaders, broker!.usable_bytes], ['RUNNING', null, 2, null]);
  assert.deepEqual([report.controller_epoch, report.controller_elections], [null, null]);
  assert.deepEqual(
    report.topics[0]!.partitions.map(({ end_offset, offline, preferred }) => [end_offset, offline, preferred]),
    [
      [0, false, true],
      [2, false, true],
    ],
  );
  assert(report.messages_in_per_second! > 0);
  const [group] = report.groups;
  assert.deepEqual([group!.group, group!.lag, group!.members], ['g', 1, null]);
  assert(group!.lag_seconds! >= 60 && group!.lag_seconds! < 75, `${group!.lag_seconds}`);

  await log.close();
  const closed = await health.report();
  assert.deepEqual([closed.status, closed.broker_count], ['down', 0]);
  assert.match(closed.error!, /closed/);
});
