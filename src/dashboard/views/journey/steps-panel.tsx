import type { JourneyAnswer } from '../../../api/journeys.ts';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';
import { stepDetail, stepTitle, tookWords } from './journey-words.ts';
import { StepIcon } from './step-icon.tsx';
import { relative, type Step } from './timeline.ts';
import { selectedStep } from './timeline-panel.tsx';

const COLUMNS: readonly Column<Step>[] = [
  { head: 'Time', value: ({ at }) => at, show: ({ at }) => <Time at={at} /> },
  {
    head: 'Since stored',
    unit: 'ms',
    number: true,
    value: ({ since_stored_ms }) => since_stored_ms,
    show: ({ since_stored_ms }) => relative(since_stored_ms),
  },
  { head: 'Where', value: ({ handler }) => handler ?? 'log' },
  {
    head: 'What',
    names: true,
    value: stepTitle,
    show: (step) => (
      <span class="step-title">
        <StepIcon kind={step.kind} />
        {stepTitle(step)}
      </span>
    ),
  },
  {
    head: 'Took',
    unit: 'ms',
    number: true,
    value: ({ duration_ms }) => duration_ms,
    show: ({ duration_ms }) => tookWords(duration_ms),
  },
  { head: 'More', value: stepDetail, show: (step) => <Detail step={step} /> },
];

export function StepsPanel({ journey: { event_id, steps } }: { readonly journey: JourneyAnswer }) {
  const selected = selectedStep(steps);
  const name = `journey ${event_id ?? ''}`.trim();
  return (
    <Panel
      title="Steps"
      note={`${steps.length}`}
      flush
      actions={<ExportButtons name={name} columns={COLUMNS} rows={steps} />}
    >
      <Table
        caption="Steps, by time"
        unsorted
        columns={COLUMNS}
        rows={steps}
        keyOf={(step) => String(steps.indexOf(step))}
        selected={(step) => steps.indexOf(step) === selected}
      />
    </Panel>
  );
}

function Detail({ step }: { readonly step: Step }) {
  const { kind, topic, partition, offset, dead_letter } = step;
  const words = stepDetail(step);
  if (kind === 'stored' || kind === 'replayed' || kind === 'repeated')
    return (
      <a class="step-detail" href={pathTo('topics', topic, String(partition), String(offset))}>
        {words}
      </a>
    );
  return (
    <span class="step-detail">
      {words} {dead_letter !== null && <a href={pathTo('failures', 'letters', dead_letter)}>dead letter</a>}
    </span>
  );
}
