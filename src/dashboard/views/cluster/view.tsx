import { Page } from '../../parts/page.tsx';
import { pathTo } from '../../router.ts';
import { ClusterPage } from './cluster-page.tsx';
import './cluster.css';
import { DrillsPage } from './drills-page.tsx';
import { ReportPage } from './report-page.tsx';
import { RunPage } from './run-page.tsx';

const TABS = [
  { text: 'Cluster', href: pathTo('cluster') },
  { text: 'Drills', href: pathTo('cluster', 'drills') },
];

/** `/cluster`, `/cluster/drills`, `/cluster/drills/runs/:id`, `/cluster/drills/reports/:id` */
export function View({ rest: [part, kind, id] }: { readonly rest: readonly string[] }) {
  if (part === 'drills' && kind === 'runs' && id !== undefined) return <RunPage key={id} id={id} />;
  if (part === 'drills' && kind === 'reports' && id !== undefined) return <ReportPage key={id} id={id} />;
  const isDrills = part === 'drills';
  return (
    <Page
      title="Cluster and drills"
      lead={
        isDrills
          ? 'A drill makes a system of its own, puts load on it, breaks something, and ends with a verdict that can be “no”.'
          : 'The brokers that hold the log, who leads which partition, and what happens when one of them is lost.'
      }
    >
      <div>
        <nav class="tabs" aria-label="Cluster and drills">
          {TABS.map(({ text, href }) => (
            <a key={href} href={href} aria-current={(text === 'Drills') === isDrills ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
        {isDrills ? <DrillsPage /> : <ClusterPage />}
      </div>
    </Page>
  );
}
