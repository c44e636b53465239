/** The views, as the navigation lists them. Each is loaded when it is first looked at. */
import type { ComponentType } from 'preact';

export interface View {
  /** The first segment of its addresses; '' is the start page. */
  readonly segment: string;
  readonly name: string;
  /** Of its icon: lines in a square of 16. */
  readonly path: string;
  /** \`rest\`: what is below its own segment, decoded. */
  readonly load: () => Promise<{ readonly View: ComponentType<{ readonly rest: readonly string[] }> }>;
}

export const VIEWS: readonly View[] = [
  { segment: '', name: 'Pulse', path: 'M1 8h3l2-5 3 10 2-5h4', load: () => import('./views/pulse/view.tsx') },
  {
    segment: 'cluster',
    name: 'Cluster',
    path: 'M2 2.5h12v4H2zM2 9.5h12v4H2zM4.5 4.5h1M4.5 11.5h1',
    load: () => import('./views/cluster/view.tsx'),
  },
  {
    segment: 'topics',
    name: 'Topics',
    path: 'M2 3h12M2 8h12M2 13h8',
    load: () => import('./views/topics/view.tsx'),
  },
  {
    segment: 'journey',
    name: 'Journey',
    path: 'M3 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM13 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5 11h4a2 2 0 0 0 2-2V7',
    load: () => import('./views/journey/view.tsx'),
  },
  {
    segment: 'consumers',
    name: 'Consumers',
    path: 'M8 2v5M8 7l-5 5M8 7l5 5M8 7v5',
    load: () => import('./views/consumers/view.tsx'),
  },
  {
    segment: 'failures',
    name: 'Failures',
    path: 'M8 2 15 14H1zM8 6.5v3.5M8 11.8v.4',
    load: () => import('./views/failures/view.tsx'),
  },
  {
    segment: 'state',
    name: 'State',
    path: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.4 1.6',
    load: () => import('./views/state/view.tsx'),
  },
];
