/** What is shown of brokers and their processes, and what doing something to them will mean. Pure. */
import type { ClusterServer, ServerActionName } from '../../../api/cluster.ts';
import type { BrokerHealth, ClusterHealth } from '../../../api/health.ts';
import { plural } from '../../format.ts';
import type { StateKind } from '../../parts/state-kind.ts';

export interface Shown {
  readonly kind: StateKind;
  readonly text: string;
  readonly reason: string;
}

const BROKER_STATES: Readonly<Record<BrokerHealth['state'], StateKind>> = {
  RUNNING: 'ok',
  STARTING: 'busy',
  RECOVERING: 'warn',
  LEADER_ELECTION: 'warn',
  SHUTDOWN: 'idle',
  FAILED: 'bad',
};
/** In these nobody believes any more that it answers. */
const OUT = new Set<BrokerHealth['state']>(['FAILED', 'SHUTDOWN', 'STARTING']);

/** The operating system tells at once what the cluster notices a moment later. */
export function shownState(
  broker: Pick<BrokerHealth, 'state' | 'reason'> | null,
  server: Pick<ClusterServer, 'state' | 'ended' | 'kind'> | null,
): Shown {
  const believed = broker !== null && !OUT.has(broker.state);
  if (server?.state === 'ended' && (broker === null || believed))
    return { kind: 'bad', text: 'ENDED', reason: server.ended === null ? 'its process is gone' : `it ${server.ended}` };
  if (server?.state === 'paused' && (broker === null || believed))
    return { kind: 'bad', text: 'PAUSED', reason: 'its process is paused: it answers nobody' };
  if (broker !== null) return { kind: BROKER_STATES[broker.state], text: broker.state, reason: broker.reason };
  if (server !== null) return { kind: 'ok', text: 'RUNNING', reason: 'its process runs' };
  return { kind: 'idle', text: 'UNKNOWN', reason: 'nothing is known of it' };
}

/** Who leads the quorum by this report; what was heard of its leader before may be of another time. */
export function roleOf({ id, role }: Pick<BrokerHealth, 'id' | 'role'>, controllerId: number): BrokerHealth['role'] {
  return role === 'controller_leader' && id !== controllerId ? 'controller_follower' : role;
}

export const ROLES: Readonly<Record<NonNullable<BrokerHealth['role']>, string>> = {
  controller_leader: 'broker and active controller',
  controller_follower: 'broker and controller',
  observer: 'broker',
};

/** What can be done to a server as it is. */
export function actionsOn({ state, action }: Pick<ClusterServer, 'state' | 'action'>): ServerActionName[] {
  const isBusy = action?.state === 'RUNNING';
  if (state === 'ended') return isBusy ? [] : ['start'];
  // what it is asked to do already is waited for; only a kill does not
  if (isBusy) return ['kill'];
  return state === 'paused' ? ['resume', 'kill'] : ['pause', 'stop', 'kill'];
}

export const ACTION_WORDS: Readonly<Record<ServerActionName, { readonly button: string; readonly how: string }>> = {
  kill: { button: 'Kill', how: 'SIGKILL: its process ends at once, as in a crash, and tells nobody.' },
  stop: {
    button: 'Stop',
    how: 'SIGTERM: it hands over what it leads and ends in order; after 30 s its process is killed.',
  },
  pause: {
    button: 'Pause',
    how: 'SIGSTOP: it keeps its port and its connections, and answers nobody: the failure that is hardest to see.',
  },
  resume: { button: 'Resume', how: 'SIGCONT: its process goes on as if nothing had been.' },
  start: { button: 'Start', how: 'Its launcher starts it with the data it had, and waits until it is registered.' },
};

/** Lost by every one of the actions but these. */
export function takesAway(action: ServerActionName): boolean {
  return action === 'kill' || action === 'stop' || action === 'pause';
}

/** What an action will mean for the cluster as it is now, a sentence each. */
export function consequences(action: ServerActionName, server: ClusterServer, health: ClusterHealth | null): string[] {
  if (server.kind === 'redis') return redisConsequences(action, server.in_use);
  if (health === null) return [];
  if (!takesAway(action)) return ['It fetches what it missed, and is in sync again when it has everything.'];
  const broker = health.brokers.find(({ id }) => id === server.node_id);
  const left = health.brokers.filter(({ id, answers }) => answers && id !== server.node_id);
  const controllers = health.brokers.filter(
    ({ role }) => role === 'controller_leader' || role === 'controller_follower',
  );
  const controllersLeft = controllers.filter(({ id }) => left.some((one) => one.id === id)).length;
  const hasQuorum = controllers.length === 0 || controllersLeft > controllers.length / 2;
  const blocked = blockedWithout(health, new Set(left.map(({ id }) => id)));
  const said: string[] = [];
  if (!hasQuorum)
    said.push(
      `${controllersLeft} of ${controllers.length} controllers are left, no majority: no leader can be elected until one is back.`,
    );
  else if (broker !== undefined && broker.leaders > 0)
    said.push(
      `It leads ${plural(broker.leaders, 'partition')}: these take no records until other replicas lead them${action === 'stop' ? ', which it sees to itself' : ', about 3 s'}.`,
    );
  if (hasQuorum && health.controller_id === server.node_id)
    said.push('It is the active controller: another one is elected first.');
  said.push(
    blocked > 0
      ? `${plural(blocked, 'partition')} will lack in-sync replicas: publishing to them is answered with 503 until enough are back.`
      : `${plural(left.length, 'broker')} ${left.length === 1 ? 'is' : 'are'} left, which is enough for every partition to acknowledge records.`,
  );
  return said;
}

/** Partitions that have fewer in-sync replicas among these brokers than an acknowledgement takes. */
function blockedWithout({ topics }: ClusterHealth, left: ReadonlySet<number>): number {
  return topics
    .filter(({ internal }) => !internal)
    .flatMap(({ partitions, min_insync_replicas: min }) =>
      partitions.filter(({ isr }) => isr.filter((id) => left.has(id)).length < (min ?? 1)),
    ).length;
}

function redisConsequences(action: ServerActionName, inUse: boolean): string[] {
  if (!inUse) return ['This server keeps its projections in another Redis: nothing here will notice.'];
  if (action === 'pause')
    return ['Handlers pause and queries fail while it hangs; publishing goes on. Nothing is counted twice.'];
  if (action === 'resume') return ['Handlers go on where they were.'];
  if (action === 'start') return ['What it held is gone: the projections are rebuilt from the log.'];
  return [
    'The projections are gone with it, since it keeps nothing on its disk; publishing goes on.',
    'Once it is started again, they are rebuilt from the log.',
  ];
}
