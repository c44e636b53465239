/** All dead letters. */
import type { DeadLetterGroupsJson } from '../../../api/dead-letter-groups.ts';
import { Empty } from '../../parts/notes.tsx';
import { useResource } from '../../resource.ts';
import { query } from '../../router.ts';
import { FailuresFrame } from './failures-frame.tsx';
import { OlderNote } from './groups-page.tsx';
import { LetterFilters } from './letter-filters.tsx';
import { filterOf } from './letters-query.ts';
import { LettersTable } from './letters-table.tsx';

export function LettersPage() {
  const filter = filterOf(query, 'no');
  const groups = useResource<DeadLetterGroupsJson>('/api/v1/dlq/groups?buckets=2', { everyMs: 10_000 });
  return (
    <FailuresFrame title="Dead letters" lead="Each record that was given up, with its original bytes.">
      <OlderNote older={groups.data?.older ?? 0} listed={groups.data?.max_listed ?? 0} />
      <LetterFilters filter={filter} defaultReplayed="no" />
      <LettersTable
        filter={filter}
        empty={
          <Empty title="No dead letter fits">
            <p>
              <a href="/failures/letters?replayed=all">Show all, replayed ones too</a>
            </p>
          </Empty>
        }
      />
    </FailuresFrame>
  );
}
