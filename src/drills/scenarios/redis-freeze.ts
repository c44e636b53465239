import { deadLettersBesidePoison } from '../dead-letters.ts';
import type { Drill } from '../drill.ts';
import { atLeast, atMost, none, withinSeconds } from '../report/criteria.ts';

const FROZEN_S = 6;
const KEPT_PERCENT = 90;
const SLOW_PUBLISH_MS = 1_000;
const RESUME_S = 10;

/** The store hangs with its connections open: nobody is told, and what was sent to it may still be executed later. */
export const redisFreeze: Drill = {
  name: 'redis-freeze',
  proves: 'a hanging store: partitions pause and go on by themselves, nothing counts twice, publishing does not notice',
  promises: ['P3', 'P4', 'P6'],
  requires: ['kafka', 'redis'],
  defaults: { ratePerSecond: 3_000 },

  async run(stage) {
    const { cluster, log } = await stage.kafka();
    const beforeMs = await stage.steady(3, 6);

    cluster.pause('redis');
    const frozenMs = stage.mark('redis frozen');
    await stage.phase('frozen', FROZEN_S);
    cluster.resume('redis');
    const resumedMs = stage.mark('redis goes on');
    const endMs = await stage.phase('after', RESUME_S + 2);
    await stage.settle();

    const measured = await stage.measurements();
    const kept = measured.keptPercent(beforeMs, frozenMs, resumedMs);
    return {
      criteria: [
        none('publishes not acknowledged', measured.unacknowledged),
        atLeast('publishing while it hangs', KEPT_PERCENT, kept, '% of before'),
        atMost(
          'publishing while it hangs, 99th percentile',
          SLOW_PUBLISH_MS,
          measured.latencyMs(0.99, frozenMs, resumedMs) ?? Infinity,
          'ms',
        ),
        withinSeconds('every partition goes on', RESUME_S, measured.longestStandstillMs(resumedMs, endMs)),
        none('dead letters of healthy events', (await deadLettersBesidePoison(log, stage.historyFiles)).others),
      ],
      notes: [
        `${perSecond(measured.appliedThroughput(beforeMs, frozenMs))} applied before, ${perSecond(measured.appliedThroughput(frozenMs, resumedMs))} while it hung`,
      ],
    };
  },
};

function perSecond(events: number): string {
  return `${Math.round(events).toLocaleString('en-US')} events/s`;
}
