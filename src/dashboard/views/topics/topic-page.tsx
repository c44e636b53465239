/** One topic: its records as they are and as they come, its partitions, its keys, its configuration. */
import type { TopicDetailJson } from '../../../api/topic-facts.ts';
import { bytes, count, duration, rate, UNKNOWN } from '../../format.ts';
import { ProblemNote } from '../../parts/notes.tsx';
import { Figures, Page } from '../../parts/page.tsx';
import { currentTab, Tabs } from '../../parts/tabs.tsx';
import { Time } from '../../parts/values.tsx';
import { type Resource, useResource } from '../../resource.ts';
import { pathTo } from '../../router.ts';
import { BrowseTab } from './browse-tab.tsx';
import { ConfigTab } from './config-tab.tsx';
import { KeysTab } from './keys-tab.tsx';
import { PartitionsTab } from './partitions-tab.tsx';
import { TailTab } from './tail-tab.tsx';
import { derivedFrom, retentionText } from './topic-words.ts';

const EVERY_MS = 2_000;

const TABS = [
  { value: 'records', text: 'Records' },
  { value: 'tail', text: 'Live tail' },
  { value: 'partitions', text: 'Partitions' },
  { value: 'keys', text: 'Hot keys' },
  { value: 'config', text: 'Configuration' },
] as const;

export function TopicPage({ name }: { readonly name: string }) {
  const topic = useResource<TopicDetailJson>(`/api/v1/topics/${encodeURIComponent(name)}`, { everyMs: EVERY_MS });
  const tab = currentTab<(typeof TABS)[number]['value']>(TABS);
  const derived = derivedFrom(name);
  const isGone = topic.problem?.code === 'UNKNOWN_TOPIC' || topic.problem?.code === 'INVALID_ARGUMENT';
  return (
    <Page
      title={name}
      crumbs={[{ text: 'Topics', href: '/topics' }]}
      lead={
        derived && (
          <>
            {derived.what} of <a href={pathTo('topics', derived.topic)}>{derived.topic}</a>
            {derived.what === 'dead letters' && (
              <>
                ; <a href="/failures">Failures</a> groups, edits and replays them
              </>
            )}
          </>
        )
      }
    >
      {topic.problem !== null && (
        <ProblemNote
          problem={topic.problem}
          retry={topic.reload}
          {...(topic.data === null ? {} : { shownFromMs: topic.atMs })}
        />
      )}
      {isGone ? (
        <p>
          <a href="/topics">All topics</a>
        </p>
      ) : (
        <>
          <TopicFigures topic={topic} />
          <div>
            <Tabs label={`Parts of ${name}`} tabs={TABS} />
            {tab === 'records' && <BrowseTab topic={name} partitions={topic.data?.partition_count ?? null} />}
            {tab === 'tail' && <TailTab topic={name} partitions={topic.data?.partition_count ?? null} />}
            {tab === 'partitions' && <PartitionsTab topic={topic} />}
            {tab === 'keys' && <KeysTab topic={name} />}
            {tab === 'config' && <ConfigTab topic={topic} />}
          </div>
        </>
      )}
    </Page>
  );
}

function TopicFigures({ topic: { data } }: { readonly topic: Resource<TopicDetailJson> }) {
  const over = data?.per_second_over_ms;
  return (
    <Figures
      items={[
        { label: 'Records', value: count(data?.records), name: 'topic.records' },
        {
          label: 'Rate',
          value: rate(data?.per_second),
          note: over == null ? 'known at the next look' : `over ${duration(over)}`,
        },
        {
          label: 'Size',
          value: bytes(data?.size_bytes),
          note: (data?.replication_factor ?? 1) > 1 ? 'all replicas' : undefined,
        },
        { label: 'Partitions', value: count(data?.partition_count) },
        { label: 'Kept', value: data ? (retentionText(data.retention) ?? UNKNOWN) : UNKNOWN },
        { label: 'First record', value: data?.first_record_at ? <Time at={data.first_record_at} as="ago" /> : UNKNOWN },
        { label: 'Last record', value: data?.last_record_at ? <Time at={data.last_record_at} as="ago" /> : UNKNOWN },
      ]}
    />
  );
}
