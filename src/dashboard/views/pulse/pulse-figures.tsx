import type { Sample } from '../../../api/pulse-sample.ts';
import { compact, count, rate, seconds } from '../../format.ts';
import { Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import type { StateKind } from '../../parts/state-kind.ts';
import { latencyPair, worstLag } from './pulse-words.ts';
import { Troubles } from './troubles.tsx';

const STATUSES: Readonly<Record<string, StateKind>> = { healthy: 'ok', degraded: 'warn', down: 'bad' };
const RUNTIMES: Readonly<Record<Sample['runtime']['state'], readonly [StateKind, string]>> = {
  SYSTEM_STOPPED: ['idle', 'no demo running'],
  DEMO_RUNNING: ['busy', 'demo running'],
  SYSTEM_ERROR: ['bad', 'system error'],
};

/** The few numbers that say whether it is well, and what is not, in words. */
export function PulseFigures({ sample }: { readonly sample: Sample }) {
  const { producer, groups, end_to_end, dead_letters, log, runtime } = sample;
  const worst = worstLag(groups);
  const failed = groups.reduce((sum, { errors_per_second }) => sum + (errors_per_second ?? 0), 0);
  return (
    <Panel
      title="Now"
      note={`${log.mode === 'kafka' ? `Kafka, ${log.brokers.length} brokers` : 'embedded log, one process'}`}
      actions={
        <>
          <span class="pulse-runtime">
            <State kind={RUNTIMES[runtime.state][0]}>{RUNTIMES[runtime.state][1]}</State>
          </span>
          <State kind={STATUSES[log.status ?? ''] ?? 'idle'}>log {log.status ?? 'not seen yet'}</State>
        </>
      }
    >
      <div class="pulse-figures">
        <Figures
          items={[
            {
              label: 'Published',
              value: rate(producer.per_second),
              note: `${count(producer.sent)} since start`,
              name: 'published-rate',
            },
            {
              label: 'Publish p50 / p99',
              value: latencyPair(producer.p50_ms, producer.p99_ms),
              name: 'publish-latency',
            },
            {
              label: 'End to end p50 / p99',
              value: latencyPair(end_to_end?.p50_ms, end_to_end?.p99_ms),
              name: 'end-to-end',
            },
            { label: 'Errors', value: rate(producer.errors_per_second + failed), name: 'errors' },
            {
              label: 'Furthest behind',
              value: worst === null ? 'nobody' : seconds(worst.lag_seconds),
              note: worst === null ? undefined : `${worst.name}, ${compact(worst.lag)} behind`,
              name: 'worst-lag',
            },
            { label: 'Dead letters', value: count(dead_letters.depth), note: 'open', name: 'dead-letters' },
          ]}
        />
      </div>
      <Troubles troubles={sample.troubles} />
    </Panel>
  );
}
