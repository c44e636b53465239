/** What the cluster does to who uses it: publishing over the last minutes, with what happened on the same axis. */
import type { Mark } from '../../../api/pulse-sample.ts';
import { duration, rate } from '../../format.ts';
import { connection, history, marks } from '../../live.ts';
import { Chart } from '../../parts/chart.tsx';
import { Panel } from '../../parts/page.tsx';
import { Time } from '../../parts/values.tsx';

const KINDS: ReadonlySet<Mark['kind']> = new Set(['broker', 'leader', 'isr', 'controller', 'drill']);
const SHOWN_MS = 3 * 60_000;
const MAX_LISTED = 10;

export function Events() {
  const points = history.value;
  const endMs = Date.parse(points.at(-1)?.at ?? '');
  const recent = points.filter(({ at }) => Date.parse(at) >= endMs - SHOWN_MS);
  const times = recent.map(({ at }) => Date.parse(at));
  const own = marks.value.filter(({ kind }) => KINDS.has(kind));
  const span = Number.isNaN(endMs) ? {} : { span: [endMs - SHOWN_MS, endMs] as const };
  return (
    <Panel title="What publishing notices of it" note="the last 3 min">
      <div class="grid">
        <Chart
          title="Acknowledged"
          format={rate}
          times={times}
          series={[
            { label: 'events', values: recent.map(({ producer }) => producer.per_second) },
            {
              label: 'errors',
              color: 6,
              dashed: true,
              values: recent.map(({ producer }) => producer.errors_per_second),
            },
          ]}
          marks={own}
          height={120}
          {...span}
        />
        <Chart
          title="Publish to acknowledgement"
          format={duration}
          times={times}
          series={[
            { label: 'p99', color: 2, values: recent.map(({ producer }) => producer.p99_ms) },
            { label: 'p50', color: 1, dashed: true, values: recent.map(({ producer }) => producer.p50_ms) },
          ]}
          marks={own}
          height={120}
          empty="Nothing is published. Run the demo from Pulse, or publish an event."
          {...span}
        />
      </div>
      {connection.value === 'lost' && <p class="muted small">Not connected: what happens now is not seen here.</p>}
      {own.length > 0 && (
        <ol class="cluster-marks" aria-label="What happened, newest first">
          {own
            .slice(-MAX_LISTED)
            .toReversed()
            .map(({ at, text, link }) => (
              <li key={`${at} ${text}`}>
                <Time at={at} /> {link === null || link === '/cluster' ? text : <a href={link}>{text}</a>}
              </li>
            ))}
        </ol>
      )}
    </Panel>
  );
}
