/** The keys that carry most of a topic's newest records. */
import type { TopicKeysJson } from '../../../api/topic-keys.ts';
import { count, percent, plural } from '../../format.ts';
import { Button, SelectField } from '../../parts/controls.tsx';
import { Empty, Loaded } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { PartitionBars } from './partition-bars.tsx';

const SIZES = ['1000', '20000', '100000'] as const;
type Size = (typeof SIZES)[number];
const DEFAULT_SIZE: Size = '20000';

type HotKey = TopicKeysJson['keys'][number];

function columnsOf(topic: string): Column<HotKey>[] {
  return [
    {
      head: 'Key',
      names: true,
      value: ({ key }) => key,
      show: ({ key, partition }) =>
        partition === null ? (
          <span class="mono cut">{key}</span>
        ) : (
          <a class="mono cut" href={`${pathTo('topics', topic)}?key=${encodeURIComponent(key)}`} title={key}>
            {key}
          </a>
        ),
    },
    { head: 'Records', number: true, value: ({ records }) => records, show: ({ records }) => count(records) },
    {
      head: 'Share',
      number: true,
      value: ({ share }) => share,
      show: ({ share }) => (
        <span class="share">
          <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <path d={`M0 4h${(share * 100).toFixed(2)}`} stroke="var(--series-1)" stroke-width="8" />
          </svg>
          <span>{percent(share)}</span>
        </span>
      ),
    },
    { head: 'Partition', number: true, value: ({ partition }) => partition },
  ];
}

export function KeysTab({ topic }: { readonly topic: string }) {
  const size = SIZES.find((one) => one === query('records')) ?? DEFAULT_SIZE;
  const keys = useResource<TopicKeysJson>(`/api/v1/topics/${encodeURIComponent(topic)}/keys?records=${size}`);
  const columns = columnsOf(topic);
  return (
    <div class="stack">
      <div class="row end">
        <SelectField<Size>
          label="Measured over the newest"
          value={size}
          options={SIZES.map((value) => ({ value, text: `${count(Number(value))} records` }))}
          onInput={(value) => setQuery({ records: value === DEFAULT_SIZE ? null : value })}
        />
        <Button busy={keys.loading} onClick={keys.reload}>
          Measure again
        </Button>
      </div>
      <Loaded of={keys} what="keys">
        {(found) => {
          if (found.records === 0)
            return (
              <Empty title="The topic is empty">
                <a href={pathTo('topics')}>All topics</a>
              </Empty>
            );
          return (
            <>
              <p class="muted">
                Counted exactly over {plural(found.records, 'record')}
                {found.first_record_at !== null && found.last_record_at !== null && (
                  <>
                    , published from <Time at={found.first_record_at} as="full" /> to{' '}
                    <Time at={found.last_record_at} as="full" />
                  </>
                )}
                : {plural(found.distinct_keys, 'different key')}
                {found.keyless > 0 && <>, {plural(found.keyless, 'record')} without one</>}
                {found.cut && <>. Fewer than asked for, since they are large: 32 MiB are the most that is read</>}.
              </p>
              <div class="grid topic-keys">
                <Panel
                  title="Hottest keys"
                  note={found.keys.length < found.distinct_keys ? `the first ${found.keys.length}` : undefined}
                  actions={<ExportButtons name={`${topic}-keys`} columns={columns} rows={found.keys} />}
                  flush
                >
                  <Table
                    caption={`Hottest keys of ${topic}`}
                    columns={columns}
                    rows={found.keys}
                    keyOf={({ key }) => key}
                    empty={<Empty title="None of these records has a key" />}
                    tall
                  />
                </Panel>
                <Panel
                  title="Spread"
                  actions={<a href={`/topics?tab=plan&source=${encodeURIComponent(topic)}`}>Over other partitions</a>}
                >
                  <PartitionBars counts={found.partitions.map(({ partition, records }) => [partition, records])} />
                </Panel>
              </div>
            </>
          );
        }}
      </Loaded>
    </div>
  );
}
