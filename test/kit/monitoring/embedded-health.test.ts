import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { embeddedGroups } from '../../../src/kit/log/embedded/embedded-groups.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { EmbeddedHealth } from '../../../src/kit/monitoring/embedded-health.ts';
import type { GroupLook } from '../../../src/kit/monitoring/group-look.ts';
import { until } from '../../support/until.ts';

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

test('every group that the log knows, with its members; each look is told to who wants to hear of it', async (t) => {
  const log = await EmbeddedLog.open({ directory: null });
  t.after(() => log.close());
  await log.createTopics([{ name: 't', partitions: 2 }]);
  const looks: GroupLook[] = [];
  const health = new EmbeddedHealth({
    log,
    groups: ['ours'],
    admin: embeddedGroups(log.coordinator),
    onGroups: (look) => looks.push(look),
    maxAgeMs: 0,
  });
  await log.group('left').commit([{ topic: 't', partition: 0, offset: 0 }]);
  const idle = async () => {};
  const member = await log
    .group('busy')
    .join({ topics: ['t'], onAssigned: async () => [], onRecords: idle, onRevoked: idle });
  await until(() => member.assignment().length === 2);
  const { groups } = await health.report();
  assert.deepEqual(
    groups.map(({ group, state, members }) => [group, state, members]),
    [
      ['ours', null, null],
      ['busy', 'Stable', 1],
      ['left', 'Empty', 0],
    ],
  );
  const [{ groups: sights, ends }] = looks as [GroupLook];
  const busy = sights[1]!.description!;
  assert.deepEqual([busy.generation, busy.members[0]!.assignment.length, ends.get('t:1')], [1, 2, 0]);
  assert.equal(sights[0]!.description, null);
});
