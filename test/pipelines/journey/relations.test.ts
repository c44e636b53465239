import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journeyScene, NEVER } from './journey-scene.ts';

test('what caused an event, what it caused in its turn, and the rest of its correlation', async (t) => {
  const scene = await journeyScene(t, { handlers: [] });
  const of = (causation_id: string | undefined, correlation_id = 'order-1') => ({
    metadata: { correlation_id, ...(causation_id === undefined ? {} : { causation_id }) },
  });
  const root = await scene.publish({ ...of(undefined), event_type: 'post_created', data: {} });
  const middle = await scene.publish(of(root.event_id));
  const leaf = await scene.publish({ ...of(middle.event_id), content_id: 'post_2' });
  const leafOfLeaf = await scene.publish({ ...of(leaf.event_id), content_id: 'post_3' });
  const other = await scene.publish({ ...of(undefined), content_id: 'post_4' });
  await scene.publish({ ...of(undefined, 'order-2'), content_id: 'post_4' });

  const relations = await scene.journeys.relationsOf(middle.event_id, { signal: NEVER });
  assert.deepEqual(
    relations.caused_by.map(({ event_id, record }) => [event_id, record?.event_type]),
    [[root.event_id, 'post_created']],
  );
  assert.deepEqual(
    relations.caused.map(({ depth, record }) => [depth, record.event_id]),
    [
      [1, leaf.event_id],
      [2, leafOfLeaf.event_id],
    ],
  );
  assert.equal(relations.correlation_id, 'order-1');
  assert.deepEqual(
    relations.correlated.map(({ event_id }) => event_id),
    [other.event_id],
  );
  assert.equal(relations.searched.complete, true);
  assert.equal(relations.searched.records, 6);
});

test('a cause that is nowhere is named as such, and a circle of causes ends', async (t) => {
  const scene = await journeyScene(t, { handlers: [] });
  const orphan = await scene.publish({ metadata: { causation_id: 'elsewhere' } });
  const { caused_by } = await scene.journeys.relationsOf(orphan.event_id, { signal: NEVER });
  assert.deepEqual(caused_by, [{ event_id: 'elsewhere', record: null }]);
  await scene.publish({ event_id: 'a', metadata: { causation_id: 'b' } });
  await scene.publish({ event_id: 'b', metadata: { causation_id: 'a' } });
  const circle = await scene.journeys.relationsOf('a', { signal: NEVER });
  assert.deepEqual(
    [circle.caused_by.map(({ event_id }) => event_id), circle.caused.map(({ record }) => record.event_id)],
    [['b'], ['b']],
  );
});

test('a small budget is kept to, and told of', async (t) => {
  const scene = await journeyScene(t, { handlers: [] });
  const root = await scene.publish({});
  await Promise.all(Array.from({ length: 2_000 }, () => scene.publish({ metadata: { causation_id: root.event_id } })));
  const few = await scene.journeys.relationsOf(root.event_id, { signal: NEVER, maxRecords: 100 });
  assert.equal(few.searched.complete, false);
  const all = await scene.journeys.relationsOf(root.event_id, { signal: NEVER });
  assert.deepEqual([all.searched.complete, all.caused.length], [true, 200]);
});
