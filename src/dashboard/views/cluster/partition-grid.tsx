import type { TopicHealth } from '../../../api/health.ts';
import { count, plural } from '../../format.ts';
import { CheckField } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import type { StateKind } from '../../parts/state-kind.ts';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { pathTo, query, setQuery } from '../../router.ts';
import {
  isTroubled,
  type PartitionRow,
  partitionRows,
  STATE_TEXTS,
  type TopicRow,
  topicRows,
} from './partition-model.ts';

/** In the grid, and in words below it. */
const KINDS: Readonly<Record<PartitionRow['state'], StateKind>> = {
  offline: 'bad',
  'under-min-isr': 'bad',
  'under-replicated': 'warn',
  'not-preferred': 'idle',
  'in-sync': 'ok',
};

const list = (ids: readonly number[]): string => (ids.length === 0 ? 'none' : ids.join(', '));

const COLUMNS: readonly Column<PartitionRow>[] = [
  {
    head: 'Topic',
    value: ({ topic }) => topic,
    show: ({ topic }) => <a href={pathTo('topics', topic)}>{topic}</a>,
    names: true,
  },
  { head: 'Partition', value: ({ partition }) => partition, number: true },
  {
    head: 'Leader',
    value: ({ leader }) => leader,
    show: ({ leader }) => (leader < 0 ? 'none' : leader),
    number: true,
  },
  { head: 'Replicas', value: ({ replicas }) => list(replicas) },
  { head: 'In sync', value: ({ isr }) => list(isr) },
  {
    head: 'State',
    value: ({ state }) => STATE_TEXTS[state],
    show: ({ state }) => <State kind={KINDS[state]}>{STATE_TEXTS[state]}</State>,
  },
  { head: 'First offset', value: ({ start }) => start, show: ({ start }) => count(start), number: true },
  { head: 'Next offset', value: ({ end }) => end, show: ({ end }) => count(end), number: true },
];
const MAX_ROWS = 500;

/** Topics by partitions: who leads, who is in sync. */
interface PartitionGridProps {
  readonly topics: readonly TopicHealth[];
  /** Nobody answers: these are the last that were told. */
  readonly isOld: boolean;
}

export function PartitionGrid({ topics, isOld }: PartitionGridProps) {
  const internal = query('internal') === '1';
  const onlyTroubled = query('troubled') === '1';
  const isOpen = query('partitions') === '1' || onlyTroubled;
  const rows = topicRows(topics, { internal });
  const all = topics.filter((topic) => internal || !topic.internal).flatMap(partitionRows);
  const listed = onlyTroubled ? all.filter(isTroubled) : all;
  const troubled = all.filter(isTroubled).length;
  return (
    <Panel
      title="Leaders and replicas"
      note={isOld ? 'as last heard: no broker answers' : noteOf(all.length, troubled)}
      actions={
        <CheckField
          label="Kafka’s own topics"
          checked={internal}
          onInput={(checked) => setQuery({ internal: checked ? 1 : null })}
        />
      }
      flush
    >
      <div class="cluster-grid">
        {rows.map((row) => (
          <TopicCells key={row.name} row={row} />
        ))}
        {rows.length === 0 ? <p class="muted">Nobody told the topics: no broker has answered yet.</p> : <Key />}
      </div>
      <details
        class="cluster-list"
        open={isOpen}
        onToggle={(event) =>
          setQuery({
            partitions: event.currentTarget.open ? 1 : null,
            ...(event.currentTarget.open ? {} : { troubled: null }),
          })
        }
      >
        <summary>
          As a table <span class="visually-hidden">of partitions</span>
        </summary>
        {isOpen && (
          <>
            <div class="row cluster-list-head">
              <CheckField
                label="Only those that are not in sync"
                checked={onlyTroubled}
                onInput={(checked) => setQuery({ troubled: checked ? 1 : null, partitions: 1 })}
              />
              <ExportButtons name="partitions" columns={COLUMNS} rows={listed} />
            </div>
            <Table
              caption="Partitions"
              tall
              columns={COLUMNS}
              rows={listed.slice(0, MAX_ROWS)}
              keyOf={({ topic, partition }) => `${topic}/${partition}`}
              empty={<p class="cluster-pad muted">Every partition is in sync.</p>}
            />
            {listed.length > MAX_ROWS && (
              <p class="cluster-pad muted small">
                The first {count(MAX_ROWS)} of {count(listed.length)}; CSV and JSON have all of them.
              </p>
            )}
          </>
        )}
      </details>
    </Panel>
  );
}

function noteOf(all: number, troubled: number): string | undefined {
  if (all === 0) return undefined;
  const partitions = plural(all, 'partition');
  return troubled === 0 ? `${partitions}, all in sync` : `${count(troubled)} of ${partitions} not in sync`;
}

function TopicCells({ row: { name, partitions, left, text } }: { readonly row: TopicRow }) {
  return (
    <div class="cluster-topic">
      <a class="cluster-topic-name" href={pathTo('topics', name)}>
        {name}
      </a>
      <div class="cluster-cells" role="img" aria-label={`${name}: ${text}`}>
        {partitions.map((row) => (
          <span
            key={row.partition}
            class={`cluster-cell ${row.state} led-by-${row.leader < 0 ? 'none' : ((row.leader - 1) % 8) + 1}`}
            title={`partition ${row.partition}: leader ${row.leader < 0 ? 'none' : row.leader}, replicas ${list(row.replicas)}, in sync ${list(row.isr)} (${STATE_TEXTS[row.state]})`}
          >
            <i>{row.partition}</i>
            <b>{row.leader < 0 ? '–' : row.leader}</b>
            <span>
              {row.replicas.map((id) => (
                <u key={id} class={row.isr.includes(id) ? '' : 'missing'} />
              ))}
            </span>
          </span>
        ))}
        {left > 0 && <span class="cluster-more">and {count(left)} more</span>}
      </div>
    </div>
  );
}

function Key() {
  return (
    <p class="small muted cluster-key">
      Each box is a partition: its number, its leader (a broker’s number and colour), and a dot for each replica, hollow
      where it is not in sync. <State kind="warn">under-replicated</State>{' '}
      <State kind="bad">offline or under min ISR</State>
    </p>
  );
}
