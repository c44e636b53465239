/** One combined broker and controller (KRaft) of a development cluster. `docker/compose.yml` has the same settings. */
export interface NodeSettings {
  readonly nodeId: number;
  readonly brokers: number;
  /** Node 1's port; the others follow. Controllers listen CONTROLLER_PORT_DISTANCE further up. */
  readonly basePort: number;
  readonly dataDirectory: string;
  /** One a node; absent: all on the loopback. */
  readonly hosts?: readonly string[] | undefined;
}

export const LOOPBACK = '127.0.0.1';
export const CONTROLLER_PORT_DISTANCE = 100;
const JOLOKIA_PORT_DISTANCE = 200;

export function brokerPorts(basePort: number, brokers: number): number[] {
  return Array.from({ length: brokers }, (_, index) => basePort + index);
}

export function controllerPorts(basePort: number, brokers: number): number[] {
  return brokerPorts(basePort + CONTROLLER_PORT_DISTANCE, brokers);
}

/** JMX over HTTP, one a broker. */
export function jolokiaPorts(basePort: number, brokers: number): number[] {
  return brokerPorts(basePort + JOLOKIA_PORT_DISTANCE, brokers);
}

/** What makes the cluster keep its promises (P1, P8): the same wherever it runs. */
export function durabilityProperties(brokers: number): Record<string, string> {
  const minInSync = String(Math.max(1, Math.min(2, brokers - 1)));
  return {
    'default.replication.factor': String(brokers),
    'min.insync.replicas': minInSync,
    'unclean.leader.election.enable': 'false',
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': String(brokers),
    // 50 partitions by default: a second of start-up for the first group, and nothing gained on one machine.
    'offsets.topic.num.partitions': '12',
    'transaction.state.log.replication.factor': String(brokers),
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': '12',
    // A dead or frozen leader is replaced after this, which bounds the gap in acknowledgements.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '250',
    // A dead or frozen controller is noticed after this. A fetch may wait 500 ms for news, so less than twice that would be unsafe.
    'controller.quorum.fetch.timeout.ms': '1500',
    'controller.quorum.election.timeout.ms': '500',
    'controller.quorum.election.backoff.max.ms': '500',
    'controller.quorum.request.timeout.ms': '1000',
    // What a broker has asked of a frozen controller (ISR changes, producer ids, new topics) goes to its successor after this; 30 s by default.
    'controller.socket.timeout.ms': '3000',
    // A follower that hangs holds up acks=all for no longer than this.
    'replica.lag.time.max.ms': '5000',
    // A record's time is its producer's business, as on the embedded log; by default an hour ahead is refused.
    'log.message.timestamp.after.max.ms': '9223372036854775807',
    'group.initial.rebalance.delay.ms': '100',
    'group.min.session.timeout.ms': '1000',
  };
}

export function serverProperties(node: NodeSettings): Record<string, string> {
  const port = brokerPorts(node.basePort, node.brokers)[node.nodeId - 1];
  const controllers = controllerPorts(node.basePort, node.brokers);
  const hostOf = (nodeId: number): string => node.hosts?.[nodeId - 1] ?? LOOPBACK;
  const host = hostOf(node.nodeId);
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.nodeId),
    'controller.quorum.voters': controllers
      .map((voter, index) => `${index + 1}@${hostOf(index + 1)}:${voter}`)
      .join(','),
    listeners: `BROKER://${host}:${port},CONTROLLER://${host}:${controllers[node.nodeId - 1]}`,
    'advertised.listeners': `BROKER://${host}:${port}`,
    'listener.security.protocol.map': 'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': node.dataDirectory,
    ...durabilityProperties(node.brokers),
  };
}

/** Java's properties format; a backslash would start an escape. */
export function formatProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
