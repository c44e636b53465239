/** The dashboard's views and the addresses in them that have something of their own to show. */
import type { Page } from 'playwright-core';
import type { DemoScene } from './demo-scene.ts';

export interface ViewAddresses {
  readonly name: string;
  readonly addresses: (scene: DemoScene) => readonly string[];
}

export const TOPIC = 'content-interactions';
const GROUP = 'streamsocial-engagement';
const path = (...segments: readonly string[]) => `/${segments.map(encodeURIComponent).join('/')}`;

/** The address of the view itself first. */
export const VIEWS: readonly ViewAddresses[] = [
  { name: 'Pulse', addresses: () => ['/'] },
  { name: 'Cluster and drills', addresses: () => ['/cluster', '/cluster/drills'] },
  { name: 'Topics and events', addresses: () => ['/topics', path('topics', TOPIC), path('topics', TOPIC, '0', '0')] },
  { name: 'Journey', addresses: ({ eventId }) => ['/journey', path('journey', eventId)] },
  { name: 'Consumers', addresses: () => ['/consumers', path('consumers', GROUP)] },
  {
    name: 'Failures',
    addresses: () => ['/failures', '/failures/letters', '/failures/parked', '/failures/replays'],
  },
  { name: 'State and time', addresses: ({ contentId }) => ['/state', path('state', 'engagement', contentId)] },
];

/** Connected, with all that it asked for at first, and nothing that says it loads. */
export async function isSettled(page: Page): Promise<void> {
  await page.locator('[data-connection=open]').waitFor();
  await page.locator('main h1').waitFor();
  await page.locator('main .loading').first().waitFor({ state: 'detached' });
}
