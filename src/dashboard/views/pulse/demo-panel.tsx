import type { Demo } from '../../../api/pulse-sample.ts';
import { count } from '../../format.ts';
import { Button } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import type { StateKind } from '../../parts/state-kind.ts';
import { type Column, Table } from '../../parts/table.tsx';
import { Progress } from '../../parts/values.tsx';
import { isChecking, stepsOf, verdictOf } from './demo-model.ts';

type Reconciliation = NonNullable<Demo['reconciliation']>;
type TopicRow = Reconciliation['topics'][number];
type ReactionRow = Reconciliation['reactions'][number];
type DifferenceRow = Reconciliation['differences'][number];

/** The demo under way, or how the last one ended. */
export function DemoPanel({ demo, onClose }: { readonly demo: Demo; readonly onClose: () => void }) {
  const isRunning = demo.state === 'RUNNING';
  const kind: StateKind = isRunning ? 'busy' : demo.balanced === true ? 'ok' : 'bad';
  const text = isRunning
    ? 'running'
    : demo.balanced === true
      ? 'balanced'
      : demo.state === 'FAILED'
        ? 'failed'
        : 'not balanced';
  return (
    <Panel
      title="Demo"
      note={`${demo.requested === 0 ? '' : `${count(demo.requested)} events, `}seed ${demo.seed}`}
      actions={
        <>
          <State kind={kind}>{text}</State>
          {!isRunning && (
            <Button small kind="quiet" label="Close the demo's result" onClick={onClose}>
              Close
            </Button>
          )}
        </>
      }
    >
      <div class="demo-run" data-demo={isRunning ? 'RUNNING' : text}>
        {isRunning ? <Steps demo={demo} /> : <Outcome demo={demo} />}
      </div>
    </Panel>
  );
}

function Steps({ demo }: { readonly demo: Demo }) {
  return (
    <>
      {stepsOf(demo).map(({ label, share, text }) => (
        <div class="demo-step" key={label}>
          <span>{label}</span>
          <Progress label={label} share={share} text={text} />
        </div>
      ))}
      {isChecking(demo) && (
        <p class="muted small">Reading the whole log again, to compare it with what the projections hold …</p>
      )}
    </>
  );
}

function Outcome({ demo }: { readonly demo: Demo }) {
  const { reconciliation } = demo;
  return (
    <>
      <p data-figure="demo-verdict">{verdictOf(demo)}</p>
      {demo.balanced === true && (
        <p>
          Now <a href="/journey">follow one event</a> to all its effects, or look at{' '}
          {demo.dead_lettered > 0 && (
            <>
              <a href="/failures">what was set aside</a> and{' '}
            </>
          )}
          <a href="/state/engagement">what was made of it all</a>.
        </p>
      )}
      {reconciliation !== null && <Books of={reconciliation} />}
    </>
  );
}

const number = <T,>(head: string, value: (row: T) => number): Column<T> => ({
  head,
  number: true,
  value,
  show: (row) => count(value(row)),
});
const balance = <T extends { readonly balanced: boolean }>(): Column<T> => ({
  head: 'Balanced',
  value: ({ balanced }) => balanced,
  show: ({ balanced }) => <State kind={balanced ? 'ok' : 'bad'}>{balanced ? 'yes' : 'no'}</State>,
});

const TOPICS: readonly Column<TopicRow>[] = [
  {
    head: 'Topic',
    names: true,
    value: ({ topic }) => topic,
    show: ({ topic }) => <a href={`/topics/${encodeURIComponent(topic)}`}>{topic}</a>,
  },
  number('In the log', ({ in_log }) => in_log),
  number('Applied', ({ applied }) => applied),
  number('Dead letters', ({ dead_lettered }) => dead_lettered),
  number('Duplicates', ({ duplicates }) => duplicates),
  number('Parked', ({ parked }) => parked),
  number('Not reached', ({ pending }) => pending),
  balance(),
];

const REACTIONS: readonly Column<ReactionRow>[] = [
  { head: 'Handler', names: true, value: ({ projection }) => projection },
  { head: 'Topic', value: ({ topic }) => topic },
  number('In the log', ({ in_log }) => in_log),
  number('Applied', ({ applied }) => applied),
  number('Unreadable', ({ dead }) => dead),
  number('Duplicates', ({ duplicates }) => duplicates),
  number('Parked', ({ parked }) => parked),
  balance(),
];

const DIFFERENCES: readonly Column<DifferenceRow>[] = [
  { head: 'Document', names: true, value: ({ key }) => key },
  { head: 'Field', value: ({ field }) => field },
  { head: 'Projection', number: true, value: ({ projection }) => projection },
  { head: 'Log', number: true, value: ({ fold }) => fold },
];

/** All that is in the log since it began, not this demo's events alone. */
function Books({ of: { topics, reactions, compared, differing, differences } }: { readonly of: Reconciliation }) {
  return (
    <div class="demo-books">
      <Table
        caption="What is in the log, and what became of it, by topic"
        columns={TOPICS}
        rows={topics}
        keyOf={({ topic }) => topic}
        unsorted
      />
      <p class="muted small">
        Everything in the log since it began: applied + dead letters + duplicates + parked + not reached = in the log.{' '}
        {compared === null
          ? 'Documents were not compared, because events are parked.'
          : `${count(compared)} documents were compared with a second reading of the log; ${differing === 0 ? 'none differs' : `${count(differing)} differ`}.`}
      </p>
      {differences.length > 0 && (
        <Table
          caption="Documents that differ from the log"
          columns={DIFFERENCES}
          rows={differences}
          keyOf={({ key, field }) => `${key} ${field}`}
          tall
        />
      )}
      <details>
        <summary class="muted small">The other handlers</summary>
        <Table
          caption="What became of each topic's records in the other handlers"
          columns={REACTIONS}
          rows={reactions}
          keyOf={({ projection, topic }) => `${projection} ${topic}`}
          unsorted
        />
      </details>
    </div>
  );
}
