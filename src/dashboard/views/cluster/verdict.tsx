import type { DrillVerdict } from '../../../api/drills.ts';
import { plural } from '../../format.ts';
import { Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { criteriaInOrder, verdictText } from './run-model.ts';

type Criterion = DrillVerdict['criteria'][number];

const COLUMNS: readonly Column<Criterion>[] = [
  { head: 'Criterion', value: ({ name }) => name, names: true },
  { head: 'Limit', value: ({ limit }) => limit },
  { head: 'Measured', value: ({ measured }) => measured },
  {
    head: 'Verdict',
    value: ({ pass }) => (pass ? 'met' : 'not met'),
    show: ({ pass }) => <State kind={pass ? 'ok' : 'bad'}>{pass ? 'met' : 'not met'}</State>,
  },
];

/** What was measured against what was allowed, and what the checker found. */
export function Verdict({ verdict }: { readonly verdict: DrillVerdict }) {
  const { passed, error, findings, notes } = verdict;
  const criteria = criteriaInOrder(verdict);
  return (
    <Panel
      title={<State kind={passed ? 'ok' : 'bad'}>{passed ? 'Passed' : 'Failed'}</State>}
      note={verdictText(verdict)}
      actions={<ExportButtons name="verdict" columns={COLUMNS} rows={criteria} />}
      flush
    >
      {error !== null && (
        <div class="cluster-pad">
          <Note kind="bad">{error}</Note>
        </div>
      )}
      <Table
        caption="Criteria"
        columns={COLUMNS}
        rows={criteria}
        keyOf={({ name, limit }) => `${name} ${limit}`}
        unsorted
      />
      {findings.length > 0 && (
        <div class="cluster-pad stack">
          {findings.map(({ kind, count, examples }) => (
            <section key={kind}>
              <h3>
                {kind}: {plural(count, 'case')}
              </h3>
              <ul class="small cluster-examples">
                {examples.map((example) => (
                  <li key={example}>{example}</li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      )}
      {notes.length > 0 && (
        <ul class="cluster-pad small muted">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
