/** The servers of a cluster that was launched from here, and what may be done to them. */
import Type, { type Static } from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import { Count, json, problems, Timestamp } from './schemas.ts';
import type { Api } from './typed.ts';

const OrNull = <T extends Type.TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

export const SERVER_ACTIONS = ['kill', 'pause', 'resume', 'stop', 'start'] as const;
const ActionName = Type.Enum(SERVER_ACTIONS);
const ServerName = Type.String({ minLength: 1, maxLength: 100, examples: ['kafka-2'] });

const Action = Type.Object(
  {
    action: ActionName,
    state: Type.Enum(['RUNNING', 'DONE', 'FAILED']),
    started_at: Timestamp,
    ended_at: OrNull(Timestamp),
    error: OrNull(Type.Object({ code: Type.String(), message: Type.String() })),
  },
  { description: 'What this server was last asked to do to it.' },
);

const Server = Type.Object({
  name: ServerName,
  kind: Type.Enum(['broker', 'redis']),
  node_id: OrNull(Type.Integer(), 'Of a broker.'),
  host: Type.String(),
  port: Type.Integer(),
  pid: Count,
  state: Type.Enum(['running', 'paused', 'ended'], { description: 'Of its process, by the operating system.' }),
  since: OrNull(Timestamp, 'When it came to be so, as far as anybody noted it.'),
  ended: OrNull(Type.String(), 'How it ended, for people.'),
  in_use: Type.Boolean({ description: 'Whether this platform works with it.' }),
  action: OrNull(Action),
});

const Cluster = Type.Object({
  controllable: Type.Boolean(),
  reason: OrNull(Type.String(), 'Why it cannot be controlled, for people.'),
  commands: Type.Array(Type.String(), { description: 'What starts a cluster that can be, and a server on it.' }),
  started_at: OrNull(Timestamp),
  servers: Type.Array(Server),
});

export type ServerActionName = (typeof SERVER_ACTIONS)[number];
export type ServerActionReport = Static<typeof Action>;
export type ClusterServer = Static<typeof Server>;
export type ClusterControlReport = Static<typeof Cluster>;

/** Who can do something to servers. */
export interface ClusterControl {
  /** Asked of the processes: current. */
  look(): Promise<ClusterControlReport>;
  /**
   * Resolves when it is done, or is known to take longer; it goes on by itself then. What fails is in the answer.
   *
   * @throws KitError NOT_CONTROLLABLE, UNKNOWN_SERVER, SERVER_RUNNING, SERVER_NOT_RUNNING, SERVER_BUSY
   */
  act(server: string, action: ServerActionName): Promise<ClusterServer>;
}

/** Of a server that was given none. */
export const NO_CONTROL: ClusterControl = {
  look: async () => ({
    controllable: false,
    reason: 'This server was started without control of any brokers.',
    commands: [],
    started_at: null,
    servers: [],
  }),
  act: async () => {
    throw new KitError('NOT_CONTROLLABLE', 'This server was started without control of any brokers.');
  },
};

const TAGS = { tags: ['cluster'] };

export function clusterRoutes(app: Api, platform: Pick<Platform, 'lookAgain'>, control: ClusterControl): void {
  app.get(
    '/api/v1/cluster',
    {
      schema: {
        ...TAGS,
        summary: 'The processes of the cluster that was launched here, and whether they can be controlled',
        response: { 200: json('Processes, as they are now.', Cluster), ...problems() },
      },
    },
    () => control.look(),
  );

  app.post(
    '/api/v1/cluster/servers/:name/:action',
    {
      schema: {
        ...TAGS,
        summary: 'Kill, pause, resume, stop or start a server of that cluster',
        description:
          'kill: SIGKILL; pause: SIGSTOP; resume: SIGCONT; stop: SIGTERM, and SIGKILL after 30 s; start: by its launcher. What takes longer than a second goes on by itself.',
        params: Type.Object({ name: ServerName, action: ActionName }),
        body: Type.Object(
          { confirm: Type.String({ maxLength: 100, description: 'The name of the server, once more.' }) },
          { additionalProperties: false, examples: [{ confirm: 'kafka-2' }] },
        ),
        response: {
          202: json('It is done or under way: see `action`.', Server),
          ...problems(
            'INVALID_ARGUMENT',
            'INVALID_JSON',
            'UNSUPPORTED_MEDIA_TYPE',
            'UNKNOWN_SERVER',
            'NOT_CONTROLLABLE',
            'SERVER_RUNNING',
            'SERVER_NOT_RUNNING',
            'SERVER_BUSY',
          ),
        },
      },
    },
    async ({ params: { name, action }, body: { confirm } }, reply) => {
      if (confirm !== name)
        throw new KitError('INVALID_ARGUMENT', `confirm must be ${name}: what is done to a server, others feel.`);
      const server = await control.act(name, action);
      platform.lookAgain();
      return reply.code(202).send(server);
    },
  );
}
