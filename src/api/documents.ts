/** The API's description of itself: OpenAPI 3.1 from the routes' own schemas, AsyncAPI from the events'. */
import { readFileSync } from 'node:fs';
import swagger from '@fastify/swagger';
import { type AsyncApiOptions, asyncApiDocument } from '../domains/social/asyncapi.ts';
import { ProblemDocument } from './schemas.ts';
import { withStream } from './stream-document.ts';
import type { Api } from './typed.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Call and await before the routes: the plugin collects those that come after it. */
export async function documentRoutes(app: Api, events: Omit<AsyncApiOptions, 'version'>): Promise<void> {
  app.addSchema(ProblemDocument);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'StreamSocial',
        version,
        description: 'Publish social events to an event log; read what became of them.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'events', description: 'Publish to the log, and read it.' },
        { name: 'engagement', description: 'Counters per content, projected from the log exactly once.' },
        { name: 'feeds', description: 'What users see of those they follow, and what is hidden from them.' },
        { name: 'notifications', description: 'Who is told what, what they want to be told, and what is read.' },
        {
          name: 'analytics',
          description: 'Counts over time, active users, top content, the funnel; each with its error.',
        },
        { name: 'topics', description: 'Topics and partitions.' },
        { name: 'journeys', description: 'One event followed from its source to its effects.' },
        { name: 'search', description: 'Ids and names, whatever they are of.' },
        { name: 'dead letters', description: 'Events that could not be processed: inspect, repair, replay.' },
        { name: 'projections', description: 'How far they are, rebuilding them, and what they were.' },
        { name: 'runtime', description: 'The demo, and what the system says of itself.' },
        { name: 'health', description: 'Probes and metrics.' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'Only where the server has a token.' },
        },
      },
      security: [{}, { bearer: [] }],
    },
    convertConstToEnum: false,
    exposeHeadRoutes: false,
    refResolver: { buildLocalReference: (json) => String(json.$id) },
  });

  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/asyncapi.json', { schema: { hide: true } }, async () =>
    withStream(asyncApiDocument({ ...events, version })),
  );
}
