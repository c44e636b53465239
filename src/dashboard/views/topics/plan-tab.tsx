/** How many partitions a load needs, and how keys would spread over them. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { TopicListJson } from '../../../api/topic-facts.ts';
import type { SpreadJson, SpreadsJson } from '../../../api/topic-keys.ts';
import { compact, count, percent, plural } from '../../format.ts';
import { asProblem, type Problem, post } from '../../http.ts';
import { SelectField, TextField } from '../../parts/controls.tsx';
import { Empty, Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import { Figures, Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { useResource } from '../../resource.ts';
import { query, setQuery } from '../../router.ts';
import { PartitionBars } from './partition-bars.tsx';
import { distributionBody, type PlanQuery, planAddress, planBody, planMistakes, readPlanQuery } from './plan-query.ts';

const ASK_AFTER_MS = 300;
const MAX_PARTITIONS = 10_000;

interface Planned {
  readonly partitions: number;
  /** Null: more partitions than a spread is worked out for. */
  readonly spread: SpreadsJson | null;
}

export function PlanTab() {
  const plan = readPlanQuery(query);
  const mistakes = planMistakes(plan);
  const topics = useResource<TopicListJson>('/api/v1/topics?partitions=false');
  const present = topics.data?.topics.find(({ name }) => name === plan.source)?.partition_count ?? null;
  const answer = useAnswer(plan, Object.keys(mistakes).length === 0, present);
  const set = (values: Partial<PlanQuery>) => setQuery(planAddress({ ...plan, ...values }));
  const field = (name: keyof PlanQuery, label: string, hint: string) => (
    <TextField
      label={label}
      value={plan[name]}
      hint={hint}
      error={mistakes[name] ?? null}
      onInput={(value) => set({ [name]: value.replaceAll(',', '').trim() })}
    />
  );
  return (
    <div class="stack">
      <div class="grid">
        <Panel title="Load">
          <div class="plan-fields">
            {field('targetRps', 'Events a second at the peak', 'What the topic has to carry.')}
            {field('consumerRps', 'One consumer handles, a second', '50,000 where it is not known.')}
            {field('safety', 'Head room', '1.5 is half as much again.')}
          </div>
        </Panel>
        <Panel title="Keys">
          <div class="plan-fields">
            <SelectField
              label="Taken from"
              value={plan.source}
              options={[
                { value: '', text: 'made-up traffic' },
                ...(topics.data?.topics ?? []).map(({ name }) => ({ value: name, text: name })),
              ]}
              hint={plan.source === '' ? "By Zipf's law, repeatable." : 'Its newest 20,000 records.'}
              onInput={(source) => set({ source })}
            />
            {plan.source === '' && (
              <>
                {field('keys', 'Different keys', 'Users, or contents.')}
                {field('records', 'Records', 'Spread over them.')}
                {field('skew', 'Skew', '0: all alike. 1: as words are.')}
              </>
            )}
          </div>
        </Panel>
      </div>
      {answer.problem !== null && <ProblemNote problem={answer.problem} />}
      {answer.planned === null && answer.problem === null && answer.loading && <Loading what="the plan" />}
      {answer.planned !== null && <Answer plan={plan} planned={answer.planned} present={present} />}
    </div>
  );
}

function Answer({ plan, planned, present }: { plan: PlanQuery; planned: Planned; present: number | null }) {
  const { partitions, spread } = planned;
  return (
    <>
      <Panel title="Partitions">
        <div class="stack">
          <Figures
            items={[
              {
                label: 'Needed',
                value: count(partitions),
                name: 'plan.partitions',
                note: partitions === 1 ? 'partition' : 'partitions',
              },
              ...(present === null ? [] : [{ label: `${plan.source} has`, value: count(present) }]),
              ...(spread === null || spread.hottest === null
                ? []
                : [
                    {
                      label: 'Hottest key',
                      value: percent(spread.hottest.share),
                      note: `of the records: ${spread.hottest.key.slice(0, 40)}`,
                    },
                    {
                      label: 'Different keys',
                      value: count(spread.distinct_keys),
                      note: `in ${plural(spread.records, 'record')}`,
                    },
                  ]),
            ]}
          />
          <p class="muted">
            max(int({count(Number(plan.targetRps))} ÷ {count(Number(plan.consumerRps))} × {plan.safety}), 1): one
            consumer reads a partition, no more. All records of a key go to one partition, so that a hot key is not
            spread, whatever their number.
          </p>
        </div>
      </Panel>
      {spread === null ? (
        <Note kind="warn">The spread is worked out for {count(MAX_PARTITIONS)} partitions at most.</Note>
      ) : spread.records === 0 ? (
        <Empty title={`${plan.source} has no records whose keys could be spread`} />
      ) : (
        <div class="grid">
          {spread.spreads.map((one) => (
            <Spread key={one.partitions} spread={one} of={spread} />
          ))}
        </div>
      )}
    </>
  );
}

function Spread({ spread, of }: { readonly spread: SpreadJson; readonly of: SpreadsJson }) {
  const { partitions, counts, max_over_mean: over, standard_deviation: deviation, hot, cold, healthy } = spread;
  return (
    <Panel
      title={`Over ${plural(partitions, 'partition')}`}
      note={
        healthy ? (
          <State kind="ok">even enough</State>
        ) : (
          <State kind="warn">
            {count(hot.length)} too full, {count(cold.length)} under half
          </State>
        )
      }
    >
      <div class="stack">
        <Figures
          items={[
            { label: 'Fullest', value: `${over.toFixed(2)} ×`, note: 'the mean' },
            { label: 'Standard deviation', value: compact(deviation), note: 'records' },
            { label: 'Used', value: count(spread.used_partitions), note: `of ${count(partitions)}` },
          ]}
        />
        {!healthy && <p class="muted">{whyUneven(spread, of)}</p>}
        <PartitionBars counts={counts.map((records, partition) => [partition, records])} />
      </div>
    </Panel>
  );
}

function whyUneven({ partitions, hash_p_value: chance }: SpreadJson, { hottest }: SpreadsJson): string {
  if ((hottest?.share ?? 0) * partitions > 0.5)
    return `A few keys carry much: the hottest alone has ${(hottest!.share * partitions).toFixed(1)} times what a partition would have on average.`;
  if (chance < 0.001) return 'The keys themselves fall unevenly, more than chance makes them.';
  return 'There are few keys for so many partitions: a perfect hash would be uneven, too.';
}

/** @param present partitions of the topic that keys are taken from, whose spread is shown beside the planned one */
function useAnswer(plan: PlanQuery, isRight: boolean, present: number | null) {
  const state = useSignal<{ planned: Planned | null; problem: Problem | null; loading: boolean }>({
    planned: null,
    problem: null,
    loading: true,
  });
  const question = JSON.stringify([plan, isRight, present]);
  useEffect(() => {
    if (!isRight) return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      state.value = { ...state.peek(), loading: true };
      try {
        const { signal } = stop;
        const { partitions } = await post<{ partitions: number }>('/api/v1/topics/plan', planBody(plan), { signal });
        const wanted = [...new Set([partitions, ...(present === null ? [] : [present])])];
        const spread =
          partitions > MAX_PARTITIONS
            ? null
            : await post<SpreadsJson>('/api/v1/topics/distribution', distributionBody(plan, wanted), { signal });
        if (!signal.aborted) state.value = { planned: { partitions, spread }, problem: null, loading: false };
      } catch (error) {
        if (!stop.signal.aborted) state.value = { planned: null, problem: asProblem(error), loading: false };
      }
    }, ASK_AFTER_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [question]);
  return state.value;
}
