import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DemoReport } from '../../../src/pipelines/demo.ts';
import { healthMarks } from '../../../src/pipelines/pulse/health-marks.ts';
import { PulseMarks } from '../../../src/pipelines/pulse/pulse-marks.ts';
import { RunMarks } from '../../../src/pipelines/pulse/run-marks.ts';
import type { RebuildReport } from '../../../src/pipelines/rebuild.ts';
import { DEMO } from '../../api/support/fake-platform.ts';
import { broker, cluster, group } from './reports.ts';

const texts = (marks: readonly { text: string }[]) => marks.map(({ text }) => text);

describe('marks of a cluster', () => {
  test('there are none where nothing has changed', () => assert.deepEqual(healthMarks(cluster(), cluster()), []));

  test('a broker that is killed: its state, the controller, its leaders, its replicas', () => {
    const gone = broker(1, { state: 'FAILED', reason: 'it has not answered for 3 s', answers: false });
    const after = cluster(
      { brokers: [gone, broker(2), broker(3)], controller_id: 2, under_replicated_partitions: 3 },
      [2, 2, 3],
    );
    const marks = healthMarks(cluster(), after);
    assert.deepEqual(
      marks.map(({ kind, text }) => [kind, text]),
      [
        ['broker', 'Broker 1 is FAILED, was RUNNING: it has not answered for 3 s'],
        ['controller', 'Broker 2 is the controller, was 1'],
        ['leader', 'content-interactions/0 is led by 2, was 1'],
        ['isr', '3 partitions are under-replicated, were 0'],
      ],
    );
    assert.ok(marks.every(({ at, link }) => at === after.observed_at && link === '/cluster'));
    assert.ok(
      texts(healthMarks(after, cluster())).includes(
        'All replicas are in sync again (3 partitions were under-replicated)',
      ),
    );
  });

  test('many leaders that move are one mark', () => {
    const marks = healthMarks(cluster({}, [1, 1, 1, 2, 2]), cluster({}, [2, 2, 3, 3, -1]));
    assert.deepEqual(texts(marks), ['5 leaders moved: 2 from 1 to 2, 1 from 1 to 3, 1 from 2 to 3, 1 from 2 to none']);
  });
});

describe('marks of what runs', () => {
  const rebuild: RebuildReport = {
    id: 'r1',
    projection: 'feed',
    state: 'RUNNING',
    phase: 'folding',
    shadow: true,
    started_at: '2026-05-27T14:00:00.000Z',
    ended_at: null,
    folded: 0,
    behind: 0,
    total: null,
    decide_by: null,
    version: null,
    swapped: false,
    paused_ms: null,
    from_snapshot: null,
    comparison: null,
    error: null,
  };

  test('demos and rebuilds begin and end', () => {
    const marks = new RunMarks();
    const done: DemoReport = { ...DEMO, state: 'DONE', balanced: true };
    assert.deepEqual(texts(marks.see(null, null, [])), []);
    assert.deepEqual(texts(marks.see(DEMO, null, [])), ['Demo of 10,000 events began']);
    assert.deepEqual(texts(marks.see({ ...DEMO, published: 5 }, null, [])), []);
    assert.deepEqual(texts(marks.see(done, rebuild, [])), [
      'Demo of 10,000 events ended, balanced',
      'Rebuild of feed began',
    ]);
    const ended: RebuildReport = { ...rebuild, state: 'DONE', ended_at: '2026-05-27T14:01:00.000Z', folded: 1_200 };
    const [end] = marks.see(done, ended, []);
    assert.deepEqual([end?.text, end?.at], ['Rebuild of feed is done, 1,200 records read', ended.ended_at]);
    const quick = { ...ended, id: 'r2' };
    assert.equal(marks.see(done, quick, []).length, 2);
  });

  test('groups are rebalanced, lose their members, come anew', () => {
    const marks = new RunMarks();
    const see = (...groups: Parameters<RunMarks['see']>[2]) => texts(marks.see(null, null, groups));
    assert.deepEqual(see(group()), []);
    assert.deepEqual(see(group({ generation: 2, members: 2 })), [
      'notifications was rebalanced: generation 2, 2 members',
    ]);
    assert.deepEqual(see(group({ generation: 2, members: 2, state: 'PreparingRebalance' })), []);
    assert.deepEqual(see(group({ generation: 2, members: 0, state: 'Empty' })), [
      'notifications has no members any more',
    ]);
    const other = group({ group: 'kcat', handler: null, generation: null });
    assert.deepEqual(see(other), ['kcat is new: 1 member']);
    assert.deepEqual(see({ ...other, members: 3 }), ['kcat has 3 members, had 1']);
  });
});

test('marks are bounded, and told once', () => {
  const marks = new PulseMarks();
  const add = (n: number) => marks.add({ kind: 'drill', text: String(n), link: null });
  for (let n = 0; n < 400; n++) add(n);
  assert.deepEqual([marks.since().length, marks.since()[0]?.text, marks.count], [300, '100', 400]);
  add(400);
  assert.deepEqual(texts(marks.since(400)), ['400']);
  assert.deepEqual(marks.since(401), []);
});
