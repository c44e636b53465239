import './topics.css';
import { Note } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { RecordPage } from './record-page.tsx';
import { parseRecordId } from './record-row.ts';
import { TopicPage } from './topic-page.tsx';
import { TopicsPage } from './topics-page.tsx';

/** `/topics`, `/topics/<name>`, `/topics/<name>/<partition>/<offset>` */
export function View({ rest }: { readonly rest: readonly string[] }) {
  const [name, ...place] = rest;
  if (name === undefined) return <TopicsPage />;
  if (place.length === 0) return <TopicPage key={name} name={name} />;
  const at = parseRecordId(place.join(':'));
  if (at !== null) return <RecordPage topic={name} {...at} />;
  return (
    <Page title="Record" crumbs={[{ text: 'Topics', href: '/topics' }]}>
      <Note kind="warn">A record's address is /topics/TOPIC/PARTITION/OFFSET, with two whole numbers at its end.</Note>
    </Page>
  );
}
