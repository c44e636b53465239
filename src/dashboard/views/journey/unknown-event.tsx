/** No such event was found: what was looked at, and what can be done about it. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JourneyAnswer } from '../../../api/journeys.ts';
import { count } from '../../format.ts';
import { asProblem, get, type Problem } from '../../http.ts';
import { placeIn } from '../../journey-link.ts';
import { Button } from '../../parts/controls.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import type { Resource } from '../../resource.ts';
import { journeyPath, sourceWords } from './journey-words.ts';

type Searched = JourneyAnswer['searched'][number];

interface UnknownProps {
  readonly id: string;
  readonly problem: Problem;
  readonly journey: Resource<JourneyAnswer>;
}

export function UnknownEvent({ id, problem, journey }: UnknownProps) {
  const busy = useSignal(false);
  const latest = useSignal(problem);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const lookFurther = async () => {
    busy.value = true;
    try {
      const path = journeyPath(id);
      await get(`${path}${path.includes('?') ? '&' : '?'}further=true`, { signal: stop.current.signal });
      journey.reload();
    } catch (error) {
      if (!stop.current.signal.aborted) latest.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };
  const { code, message, details } = latest.value;
  if (code !== 'UNKNOWN_EVENT') return <ProblemNote problem={latest.value} retry={() => void lookFurther()} />;
  const searched = (details.searched ?? []) as readonly Searched[];
  const isPlace = placeIn(id) !== null;
  const canLookFurther = !isPlace && details.complete !== true;
  return (
    <Panel title="It was not found">
      <Empty title={message}>
        {isPlace ? (
          <p>The partition ends before this offset, or retention has removed the record.</p>
        ) : canLookFurther ? (
          <p>Looking further reads up to five million older records, for 20 seconds at most, and can be repeated.</p>
        ) : (
          <p>Is the id complete? An event that was published only now is found as soon as it is stored.</p>
        )}
        <div class="row">
          {canLookFurther && (
            <Button kind="primary" busy={busy.value} onClick={() => void lookFurther()}>
              Look further
            </Button>
          )}
          <Button onClick={journey.reload} disabled={busy.value || journey.loading}>
            Look again
          </Button>
        </div>
      </Empty>
      {searched.length > 0 && (
        <Table caption="What was looked at" unsorted columns={COLUMNS} rows={searched} keyOf={({ source }) => source} />
      )}
    </Panel>
  );
}

const COLUMNS: readonly Column<Searched>[] = [
  { head: 'Looked at', names: true, value: ({ source }) => sourceWords(source) },
  { head: 'Records', number: true, value: ({ records }) => records, show: ({ records }) => count(records) },
  { head: 'To its end', value: ({ complete }) => (complete ? 'yes' : 'no') },
];
