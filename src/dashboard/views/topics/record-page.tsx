import { count } from '../../format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { pathTo } from '../../router.ts';
import { RecordContent } from './record-detail.tsx';

interface RecordPageProps {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function RecordPage({ topic, partition, offset }: RecordPageProps) {
  const neighbour = (at: number) => pathTo('topics', topic, String(partition), String(at));
  const around = `${pathTo('topics', topic)}?partition=${partition}&offset=${offset}&record=${partition}:${offset}`;
  return (
    <Page
      title={`Record ${partition}:${count(offset)}`}
      crumbs={[
        { text: 'Topics', href: '/topics' },
        { text: topic, href: pathTo('topics', topic) },
      ]}
      actions={
        <>
          {offset > 0 && <a href={neighbour(offset - 1)}>Offset {count(offset - 1)}</a>}
          <a href={neighbour(offset + 1)}>Offset {count(offset + 1)}</a>
          <a href={around}>In the list</a>
        </>
      }
    >
      <Panel title={topic}>
        <RecordContent key={`${partition}:${offset}`} topic={topic} partition={partition} offset={offset} />
      </Panel>
    </Page>
  );
}
