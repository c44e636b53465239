import { useSignal } from '@preact/signals';
import type { ClusterServer, ServerActionName } from '../../../api/cluster.ts';
import type { BrokerHealth, ClusterHealth } from '../../../api/health.ts';
import { bytes, count, duration } from '../../format.ts';
import { post } from '../../http.ts';
import { nowMs } from '../../now.ts';
import { Button } from '../../parts/controls.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Pairs } from '../../parts/page.tsx';
import { State } from '../../parts/state.tsx';
import { Time } from '../../parts/values.tsx';
import { pathTo } from '../../router.ts';
import { ACTION_WORDS, actionsOn, consequences, ROLES, roleOf, shownState, takesAway } from './broker-model.ts';

interface ServerCardProps {
  /** As the cluster sees it; null of Redis, or where nobody knows of it. */
  readonly broker: BrokerHealth | null;
  /** Its process; null where it was not launched here. */
  readonly server: ClusterServer | null;
  readonly health: ClusterHealth;
  readonly onChanged: () => void;
}

export function ServerCard({ broker, server: listed, health, onChanged }: ServerCardProps) {
  /** What an action has answered, until the list is newer. */
  const answered = useSignal<{ readonly server: ClusterServer; readonly listed: ClusterServer | null } | null>(null);
  const server = answered.value !== null && answered.value.listed === listed ? answered.value.server : listed;
  const asked = useSignal<ServerActionName | null>(null);
  const isEmbedded = health.mode === 'embedded';
  const name = server?.name ?? (isEmbedded ? 'this process' : `broker ${broker!.id}`);
  const state = shownState(broker, server);
  return (
    <li class={`panel cluster-server ${state.kind}`} data-server={name}>
      <header>
        <h2>{name}</h2>
        <span class="cluster-state" role="status" data-figure={`state-${name}`}>
          <State kind={state.kind}>{state.text}</State>
        </span>
      </header>
      <div class="body">
        <p class="small muted">
          {isEmbedded && state.kind === 'ok' ? "the embedded log; Kafka's clients connect to it here" : state.reason}
          {server?.since != null && server.state !== 'running' && (
            <>
              , <Time at={server.since} as="ago" />
            </>
          )}
        </p>
        <Pairs items={factsOf(broker, server, health)} />
        {server?.action != null && <ActionState action={server.action} />}
        {server !== null && (
          <div class="row">
            {actionsOn(server).map((action) => (
              <Button
                key={action}
                small
                kind={action === 'kill' ? 'danger' : action === 'start' ? 'primary' : 'plain'}
                busy={action === 'start' && server.action?.state === 'RUNNING'}
                label={`${ACTION_WORDS[action].button} ${name}`}
                onClick={() => {
                  asked.value = action;
                }}
              >
                {ACTION_WORDS[action].button}
              </Button>
            ))}
          </div>
        )}
      </div>
      {asked.value !== null && server !== null && (
        <ActionQuestion
          action={asked.value}
          server={server}
          health={health}
          onClose={() => {
            asked.value = null;
          }}
          onDone={(next) => {
            answered.value = { server: next, listed };
            onChanged();
          }}
        />
      )}
    </li>
  );
}

function factsOf(broker: BrokerHealth | null, server: ClusterServer | null, health: ClusterHealth) {
  const address = server ?? broker;
  const facts: (readonly [string, preact.ComponentChildren])[] = [];
  const isHeard = health.broker_count > 0;
  const role = broker === null ? null : roleOf(broker, health.controller_id);
  if (role !== null) facts.push(['Role', ROLES[role]]);
  if (broker !== null && isHeard)
    facts.push(['Leads', `${count(broker.leaders)} of ${count(broker.replicas)} partitions`]);
  if (broker !== null && isHeard && health.mode === 'kafka')
    facts.push([
      'Out of sync',
      broker.out_of_sync === 0 ? 'in none' : `in ${count(broker.out_of_sync)}${lagText(broker)}`,
    ]);
  if (broker?.log_bytes != null)
    facts.push(['Disk', `${bytes(broker.log_bytes)} of log, ${bytes(broker.usable_bytes)} free`]);
  if (server !== null && server.kind === 'redis')
    facts.push(['Holds', server.in_use ? 'the projections' : 'nothing of this server']);
  if (address?.host != null) facts.push(['Address', <span class="mono">{`${address.host}:${address.port}`}</span>]);
  if (server !== null)
    facts.push([
      'Process',
      server.state === 'running' && server.since !== null ? (
        <>
          {server.pid}, up {duration(Math.max(0, nowMs.value - Date.parse(server.since)))}
        </>
      ) : (
        String(server.pid)
      ),
    ]);
  return facts;
}

function lagText({ replica_lag: lag }: BrokerHealth): string {
  return lag === null ? '' : `, ${count(lag)} records behind`;
}

function ActionState({
  action: { action, state, started_at, error },
}: {
  readonly action: NonNullable<ClusterServer['action']>;
}) {
  if (state === 'DONE') return null;
  const word = ACTION_WORDS[action].button;
  return state === 'RUNNING' ? (
    <State kind="busy">
      {word}: under way for {duration(Math.max(0, nowMs.value - Date.parse(started_at)))}
    </State>
  ) : (
    <p class="cluster-error" role="alert">
      {word} failed: {error?.message} <code>{error?.code}</code>
    </p>
  );
}

interface ActionQuestionProps {
  readonly action: ServerActionName;
  readonly server: ClusterServer;
  readonly health: ClusterHealth;
  readonly onClose: () => void;
  readonly onDone: (server: ClusterServer) => void;
}

function ActionQuestion({ action, server, health, onClose, onDone }: ActionQuestionProps) {
  const { name } = server;
  const { button, how } = ACTION_WORDS[action];
  return (
    <Confirm
      title={`${button} ${name}?`}
      action={`${button} ${name}`}
      danger={takesAway(action)}
      {...(takesAway(action) ? { word: name } : {})}
      onClose={onClose}
      onConfirm={async () =>
        onDone(await post<ClusterServer>(`/api/v1/cluster/servers/${pathTo(name, action).slice(1)}`, { confirm: name }))
      }
    >
      <ul class="cluster-means">
        {[how, ...consequences(action, server, health)].map((text) => (
          <li key={text}>{text}</li>
        ))}
        {takesAway(action) && (
          <li class="muted">It can be {action === 'pause' ? 'resumed' : 'started again'} from here.</li>
        )}
      </ul>
    </Confirm>
  );
}
