import type { EventLog } from '../../src/kit/log/event-log.ts';
import type { Sent } from '../../src/kit/producers/pending.ts';
import type { ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import type { Broker } from './broker.ts';
import type { Catalogue } from './events.ts';
import type { Network } from './network.ts';
import type { Oracle } from './oracle.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';
import type { StoreServer } from './store-client.ts';

/** What surrounds the processes of a run, and what they may ask of it. */
export interface Scene {
  readonly random: Random;
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly broker: Broker;
  readonly storeServer: StoreServer;
  readonly oracle: Oracle;
  readonly catalogue: Catalogue;
  /** How often the store has come back empty. */
  readonly storeLosses: number;
  logFor(process: SimProcess): EventLog;
  storeFor(process: SimProcess): ProjectionStore;
  /** As the next task of the process, if it lives. */
  runIn(process: SimProcess, work: () => void): void;
  /** Work of the clients that is still to come keeps the run from ending. */
  sendLater(delayMs: number, send: () => void): void;
  /** It fails the run when the promise is rejected, or open at the end although its process lives. */
  mustSettle(process: SimProcess, what: string, promise: Promise<unknown>): void;
  /** Some consumer is asked to wait for the effect of what was sent. */
  awaitEffect(sent: Sent): void;
  loseStore(): void;
}
