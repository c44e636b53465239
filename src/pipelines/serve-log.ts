/** Opens the embedded log to clients of Kafka's protocol. */
import { openBroker, type RunningBroker } from '../broker/broker.ts';
import type { Settings } from '../config/settings.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import { isKitError } from '../kit/errors.ts';
import { EmbeddedLog } from '../kit/log/embedded/embedded-log.ts';
import type { EventLog } from '../kit/log/event-log.ts';

/** Whether a port that is taken gives way to a free one. */
export type ServeWhere = 'on this port' | 'on this port or another';

/** @returns null for a log that is no embedded one, and where the settings say `off` @throws KitError PORT_IN_USE */
export async function serveLog(
  log: EventLog,
  { brokerPort, brokerAutoCreateTopics: autoCreateTopics }: Settings,
  { where, logger }: { readonly where: ServeWhere; readonly logger: ConsumerLogger },
): Promise<RunningBroker | null> {
  if (!(log instanceof EmbeddedLog) || brokerPort === 'off') return null;
  const open = (port: number) => openBroker({ log, port, logger, settings: { autoCreateTopics } });
  try {
    return await open(brokerPort);
  } catch (error) {
    if (where === 'on this port' || !isKitError(error, 'PORT_IN_USE')) throw error;
    logger.warn({ port: brokerPort }, "the port for Kafka's protocol is taken: using a free one");
    return open(0);
  }
}
