/** One run: a system of clients, broker, consumers and store, what goes wrong in it, and the judgement at its end. */
import type { EventLog } from '../../src/kit/log/event-log.ts';
import type { Sent } from '../../src/kit/producers/pending.ts';
import type { ProjectionStore } from '../../src/kit/projections/projection-store.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { Broker } from './broker.ts';
import { Client } from './client.ts';
import { Consumer } from './consumer.ts';
import type { Catalogue } from './events.ts';
import { Injector } from './injector.ts';
import { isolate, release } from './isolation.ts';
import { LogClient } from './log-client.ts';
import type { Mutation } from './mutations.ts';
import { Network } from './network.ts';
import { Oracle, TOPIC, type Violation } from './oracle.ts';
import { drawFate, type Plan, planFor } from './plan.ts';
import { Random } from './random.ts';
import type { Scene } from './scene.ts';
import { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';
import { StoreClient, StoreServer } from './store-client.ts';

export interface RunOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
  /** Keep what happened, line by line. */
  readonly trace?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | null;
  /** Of the whole trace: equal for equal runs. */
  readonly hash: string;
  readonly tasks: number;
  readonly virtualMs: number;
  readonly lines: readonly string[];
}

/** Virtual time after the last fault until everything has to be at rest: sessions expire, clocks that jumped catch up. */
const REST_WITHIN_MS = 60_000;
const SHUTDOWN_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 25;

/** @throws nothing: what goes wrong is the result's violation */
export async function runSeed({ seed, mutation, trace = false }: RunOptions): Promise<RunResult> {
  const world = new World(seed, mutation, trace ? [] : null);
  const undo = mutation?.install?.();
  isolate(world.scheduler, world.random);
  try {
    world.begin();
    await world.scheduler.run();
  } finally {
    release();
    undo?.();
  }
  return world.result();
}

class World implements Scene {
  readonly seed: number;
  readonly random: Random;
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly broker: Broker;
  readonly network: Network;
  readonly store: MemoryStore;
  readonly storeServer: StoreServer;
  readonly oracle: Oracle;
  readonly catalogue: Catalogue = new Map();
  readonly #clients: Client[] = [];
  readonly #consumers: Consumer[] = [];
  readonly #lines: string[] | null;
  readonly #unsettled = new Map<number, { readonly process: SimProcess; readonly what: string }>();
  readonly #injector: Injector;
  storeLosses = 0;
  #promises = 0;
  #toSend = 0;

  constructor(seed: number, mutation: Mutation | undefined, lines: string[] | null) {
    this.seed = seed;
    this.#lines = lines;
    this.random = new Random(seed);
    this.plan = planFor(this.random);
    this.scheduler = new Scheduler((error) => {
      this.oracle.violate('no-stray-error', error instanceof Error ? String(error.stack) : String(error));
    });
    this.broker = new Broker(this.scheduler, this.random, this.plan);
    mutation?.broker?.(this.broker);
    this.network = new Network(this.scheduler, this.random, this.plan.network, (text) => this.oracle.trace(text));
    this.store = new MemoryStore('projection');
    this.oracle = new Oracle({
      scheduler: this.scheduler,
      plan: this.plan,
      broker: this.broker,
      data: this.store.data,
      catalogue: this.catalogue,
      lines,
    });
    const mutated = mutation?.store?.(this.store) ?? this.store;
    this.storeServer = new StoreServer(this.#overseen(mutated), this.random);
    this.#injector = new Injector(this, this.#clients, this.#consumers);
  }

  logFor(process: SimProcess): EventLog {
    const { broker, network, oracle, random } = this;
    return new LogClient({ process, broker, network, oracle, random });
  }

  storeFor(process: SimProcess): ProjectionStore {
    return new StoreClient(this.storeServer, this.network, process);
  }

  begin(): void {
    const { plan, random, scheduler, oracle } = this;
    oracle.trace(`seed ${this.seed} ${JSON.stringify(plan)}`);
    this.broker.createTopic({ name: TOPIC, partitions: plan.partitions });
    for (let slot = 0; slot < plan.clients; slot++) this.#clients.push(new Client(this, slot));
    for (let slot = 0; slot < plan.consumers; slot++) {
      scheduler.after(random.between(0, 50), null, () => this.#consumers.push(new Consumer(this, `consumer-${slot}`)));
    }
    this.#planSends();
    for (const fault of plan.faults) scheduler.after(fault.atMs, null, () => this.#injector.inject(fault));
    scheduler.after(plan.activeMs, null, () => this.#injector.heal());
    scheduler.after(LOOK_EVERY_MS, null, () => this.#look());
  }

  /** In one go or spread out; some in bursts, so that lanes have batches to make. */
  #planSends(): void {
    const { plan, random } = this;
    const burst = random.between(1, 10);
    let atMs = 0;
    for (let n = 0; n < plan.events; n++) {
      if (n % burst === 0) atMs = random.between(0, plan.activeMs - 1);
      const id = `event-${String(n).padStart(4, '0')}`;
      const key = random.chance(plan.keyless) ? null : `key-${random.between(1, plan.keys)}`;
      this.catalogue.set(id, { fate: drawFate(plan.fates, random), key, calls: 0 });
      const send = () => random.pick(this.#clients).send(id, key);
      this.sendLater(atMs, send);
      if (key !== null && random.chance(plan.repeats)) this.sendLater(atMs + random.between(0, 200), send);
    }
    for (let n = random.between(0, 2); n > 0; n--) {
      this.scheduler.after(random.between(0, plan.activeMs), null, () => random.pick(this.#clients).flush());
    }
  }

  sendLater(delayMs: number, send: () => void): void {
    this.#toSend++;
    this.scheduler.after(delayMs, null, () => {
      this.#toSend--;
      send();
    });
  }

  runIn(process: SimProcess, work: () => void): void {
    this.scheduler.after(0, process, work);
  }

  mustSettle(process: SimProcess, what: string, promise: Promise<unknown>): void {
    const id = this.#promises++;
    this.#unsettled.set(id, { process, what });
    const settled = () => this.#unsettled.delete(id);
    promise.then(settled, (error: unknown) => {
      settled();
      this.oracle.violate('settles-well', `${process.name}: ${what} failed: ${String(error)}`);
    });
  }

  awaitEffect(sent: Sent): void {
    const running = this.#consumers.filter((consumer) => consumer.running);
    if (running.length > 0) this.random.pick(running).awaitEffect(sent);
  }

  loseStore(): void {
    this.storeLosses++;
    this.store.data.lose();
    this.oracle.storeLost();
  }

  #look(): void {
    const { scheduler, plan, oracle } = this;
    for (const client of this.#clients) client.check();
    const sinceHealedMs = scheduler.nowMs - plan.activeMs;
    const busy = sinceHealedMs < 0 || this.#toSend > 0 || this.network.appendsUnderWay > 0;
    const unrest = busy ? 'there is more to send' : oracle.unrest();
    if (unrest === null) {
      this.#atRest();
      return;
    }
    if (sinceHealedMs >= REST_WITHIN_MS) oracle.violate('comes-to-rest', `after ${REST_WITHIN_MS} ms ${unrest}`);
    scheduler.after(LOOK_EVERY_MS, null, () => this.#look());
  }

  #atRest(): void {
    const { scheduler, oracle } = this;
    oracle.trace('at rest');
    oracle.checkAtRest();
    for (const consumer of this.#consumers) {
      if (!consumer.running) continue;
      this.runIn(consumer.process, () => {
        const confirmed = consumer.confirmRest(SHUTDOWN_WITHIN_MS / 2).then(() => consumer.stop(null));
        this.mustSettle(consumer.process, 'caughtUp', confirmed);
      });
    }
    for (const client of this.#clients) {
      client.flush();
      client.close();
    }
    const startedMs = scheduler.nowMs;
    const finish = () => {
      const late = [...this.#unsettled.values()].filter(({ process }) => process.alive);
      if (late.length > 0 && scheduler.nowMs - startedMs < SHUTDOWN_WITHIN_MS) {
        scheduler.after(LOOK_EVERY_MS, null, finish);
        return;
      }
      for (const { process, what } of late) oracle.violate('settles', `${process.name}: ${what} never settled`);
      oracle.checkAtRest();
      scheduler.stop();
    };
    scheduler.after(LOOK_EVERY_MS, null, finish);
  }

  /** The store itself, with the oracle looking on: it sees what the store did, whether or not the answer arrives. */
  #overseen(store: ProjectionStore): ProjectionStore {
    const { oracle } = this;
    return {
      name: store.name,
      claim: async (partition) => {
        const claim = await store.claim(partition);
        oracle.claimed(partition, claim.epoch);
        return claim;
      },
      apply: async (batch) => {
        const outcome = await store.apply(batch);
        if (outcome.status === 'ok') oracle.applied(batch, outcome.duplicates);
        else oracle.trace(`refused ${batch.partition} epoch ${batch.epoch}: ${outcome.status}`);
        return outcome;
      },
      get: (key) => store.get(key),
      getMany: (keys) => store.getMany(keys),
      keys: (query) => store.keys(query),
      parked: (partition) => store.parked(partition),
      partitions: () => store.partitions(),
      documents: () => store.documents(),
      clear: () => store.clear(),
      close: () => store.close(),
    };
  }

  result(): RunResult {
    const { oracle, scheduler, seed } = this;
    return {
      seed,
      violation: oracle.violation,
      hash: oracle.hash,
      tasks: scheduler.tasks,
      virtualMs: Math.round(scheduler.nowMs),
      lines: this.#lines ?? [],
    };
  }
}
