/** The views, as the navigation lists them. Each is loaded when it is first looked at. */
import type { ComponentType } from 'preact';

export interface View {
  /** The first segment of its addresses; '' is the start page. */
  readonly segment: string;
  readonly name: string;
  /** Below its own segment, decoded. */
  readonly load: () => Promise<{ readonly View: ComponentType<{ readonly rest: readonly string[] }> }>;
}

export const VIEWS: readonly View[] = [
  { segment: '', name: 'Pulse', load: () => import('./views/pulse/view.tsx') },
  { segment: 'cluster', name: 'Cluster and drills', load: () => import('./views/cluster/view.tsx') },
  { segment: 'topics', name: 'Topics and events', load: () => import('./views/topics/view.tsx') },
  { segment: 'journey', name: 'Journey', load: () => import('./views/journey/view.tsx') },
  { segment: 'consumers', name: 'Consumers', load: () => import('./views/consumers/view.tsx') },
  { segment: 'failures', name: 'Failures', load: () => import('./views/failures/view.tsx') },
  { segment: 'state', name: 'State and time', load: () => import('./views/state/view.tsx') },
];
