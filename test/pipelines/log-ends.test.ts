import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsumerMeter } from '../../src/kit/consumers/consumer-metrics.ts';
import { KitError } from '../../src/kit/errors.ts';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import { withLogEnds } from '../../src/pipelines/log-ends.ts';

const at = { topic: 't', partition: 0 };
const metrics = new ConsumerMeter().report({
  uptimeMs: 0,
  running: true,
  parked: 0,
  partitions: [{ ...at, position: 5, end_offset: 6, lag: 1, waiting_since: null }],
});
const logAnswering = (listOffsets: EventLog['listOffsets']) => ({ listOffsets }) as EventLog;

test('records that came since the last fetch are lag', async () => {
  const { lag, partitions } = await withLogEnds(
    metrics,
    logAnswering(async () => [9]),
  );
  assert.deepEqual([lag, partitions], [4, [{ ...at, position: 5, end_offset: 9, lag: 4, waiting_since: null }]]);
});

test('what the consumer knows counts where the log answers nothing, or something older', async () => {
  const gone = logAnswering(() => Promise.reject(new KitError('LOG_UNAVAILABLE', 'gone', { retriable: true })));
  assert.equal((await withLogEnds(metrics, gone)).lag, 1);
  assert.equal(
    (
      await withLogEnds(
        metrics,
        logAnswering(async () => [3]),
      )
    ).lag,
    1,
  );
});
