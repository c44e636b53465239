import type { ReplayPlanJson } from '../../../api/dead-letter-replays.ts';
import { count } from '../../format.ts';
import { Table } from '../../parts/table.tsx';
import { pathTo } from '../../router.ts';

interface ProblemsProps {
  readonly items: ReplayPlanJson['refusals'];
  /** In all. */
  readonly of: number;
}

/** What was refused, or failed, and why. */
export function ReplayProblems({ items, of }: ProblemsProps) {
  return (
    <>
      <Table
        caption="Refused or failed"
        tall
        columns={[
          {
            head: 'Dead letter',
            names: true,
            value: ({ id }) => id,
            show: ({ id }) => (
              <a class="failure-text" href={pathTo('failures', 'letters', id)}>
                {id}
              </a>
            ),
          },
          { head: 'Why', value: ({ code, reason }) => `${code}: ${reason}` },
        ]}
        rows={items}
        keyOf={({ id }) => id}
      />
      {of > items.length && (
        <p class="muted small">
          The first {count(items.length)} of {count(of)}.
        </p>
      )}
    </>
  );
}
