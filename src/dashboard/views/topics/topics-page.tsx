/** All topics; publishing a test event; planning partitions. */

import { Page } from '../../parts/page.tsx';
import { currentTab, Tabs } from '../../parts/tabs.tsx';
import { PlanTab } from './plan-tab.tsx';
import { PublishTab } from './publish-tab.tsx';
import { TopicList } from './topic-list.tsx';

const TABS = [
  { value: 'topics', text: 'Topics' },
  { value: 'publish', text: 'Publish an event' },
  { value: 'plan', text: 'Plan partitions' },
] as const;

export function TopicsPage() {
  const tab = currentTab<(typeof TABS)[number]['value']>(TABS);
  return (
    <Page title="Topics and events" lead="What is on the log: browse it, follow it, add to it.">
      <div>
        <Tabs label="Topics and events" tabs={TABS} />
        {tab === 'topics' && <TopicList />}
        {tab === 'publish' && <PublishTab />}
        {tab === 'plan' && <PlanTab />}
      </div>
    </Page>
  );
}
