/** How far each partition is. */
import type { Group, GroupPartition } from '../../../api/group-schemas.ts';
import { count, plural } from '../../format.ts';
import { CheckField, SelectField } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { pathTo, query, setQuery } from '../../router.ts';
import { memberNames, waitText } from './groups-model.ts';

/** A table of more rows is no help, and slow: the ones that lag come first. */
const MAX_ROWS = 200;

export function PartitionsPanel({ group }: { readonly group: Group }) {
  const topic = query('topic');
  const lagging = query('lagging') === '1';
  const fitting = group.partitions.filter(
    (one) => (topic === '' || one.topic === topic) && (!lagging || one.lag !== 0),
  );
  const isLong = fitting.length > MAX_ROWS;
  const rows = isLong ? fitting.toSorted((a, b) => (b.lag ?? 0) - (a.lag ?? 0)).slice(0, MAX_ROWS) : fitting;
  const columns = columnsFor(group);
  return (
    <Panel
      title="Partitions"
      note={
        isLong
          ? `the ${MAX_ROWS} that lag most of ${count(fitting.length)}; the files have them all`
          : plural(fitting.length, 'partition')
      }
      actions={<ExportButtons name={`partitions-${group.group}`} columns={columns} rows={fitting} />}
      flush
    >
      <div class="row end panel-text">
        {group.topics.length > 1 && (
          <SelectField
            label="Topic"
            value={topic}
            options={[{ value: '', text: 'all topics' }, ...group.topics.map((value) => ({ value, text: value }))]}
            onInput={(value) => setQuery({ topic: value })}
          />
        )}
        <CheckField
          label="Only those that lag"
          checked={lagging}
          onInput={(checked) => setQuery({ lagging: checked ? '1' : null })}
        />
      </div>
      <Table
        caption={`Partitions of ${group.group}`}
        columns={columns}
        rows={rows}
        keyOf={(one) => `${one.topic}/${one.partition}`}
        tall
        empty={
          <p class="muted panel-text">
            {group.partitions.length === 0
              ? 'The group reads nothing and has no offsets.'
              : 'None: everything has been read.'}
          </p>
        }
      />
    </Panel>
  );
}

function columnsFor({ owner, members }: Group): readonly Column<GroupPartition>[] {
  const names = memberNames(members);
  const nameOf = ({ member_id }: GroupPartition) => (member_id === null ? null : (names.get(member_id) ?? member_id));
  const hasPosition = owner !== null && owner !== 'delivery';
  return [
    {
      head: 'Topic',
      names: true,
      value: ({ topic }) => topic,
      show: ({ topic }) => <a href={pathTo('topics', topic)}>{topic}</a>,
    },
    { head: 'Partition', number: true, value: ({ partition }) => partition },
    ...(hasPosition
      ? [{ head: 'Position', number: true, value: numberOf('position'), show: countOf('position') }]
      : []),
    { head: 'Committed', number: true, value: numberOf('committed'), show: countOf('committed') },
    { head: 'End', number: true, value: numberOf('end'), show: countOf('end') },
    {
      head: 'Lag, records',
      number: true,
      value: numberOf('lag'),
      show: ({ lag }) => (
        <span title={lag === null ? 'Nothing is committed, or the leader does not answer.' : undefined}>
          {count(lag)}
        </span>
      ),
    },
    {
      head: 'Lag, time',
      unit: 's',
      number: true,
      value: ({ lag_seconds }) => lag_seconds,
      show: ({ lag_seconds }) => <span class={(lag_seconds ?? 0) >= 10 ? 'behind' : ''}>{waitText(lag_seconds)}</span>,
    },
    { head: 'Read by', value: nameOf, show: (one) => nameOf(one) ?? <span class="muted">nobody</span> },
  ];
}

type NumberName = 'position' | 'committed' | 'end' | 'lag';

function numberOf(name: NumberName) {
  return (one: GroupPartition) => one[name];
}

function countOf(name: NumberName) {
  return (one: GroupPartition) => count(one[name]);
}
