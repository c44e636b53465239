/** Makes the planned faults happen, and ends them. */
import type { Client } from './client.ts';
import { Consumer } from './consumer.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import type { Scene } from './scene.ts';
import type { SimProcess } from './sim-process.ts';

const MAX_EXTRA_MEMBERS = 2;
const MAX_JUMP_MS = 4_000;

export class Injector {
  readonly #scene: Scene;
  readonly #clients: readonly Client[];
  readonly #consumers: Consumer[];
  readonly #endings = new Set<() => void>();
  #extra = 0;

  /** @param consumers new ones are added */
  constructor(scene: Scene, clients: readonly Client[], consumers: Consumer[]) {
    this.#scene = scene;
    this.#clients = clients;
    this.#consumers = consumers;
  }

  inject({ kind, lastsMs }: PlannedFault): void {
    this.#scene.oracle.trace(`fault ${kind} ${lastsMs}`);
    this.#faults[kind](lastsMs);
  }

  /** Everything that is still going wrong ends. */
  heal(): void {
    const { oracle, network, broker } = this.#scene;
    oracle.trace('healed');
    for (const end of [...this.#endings]) end();
    network.heal();
    broker.heal();
  }

  readonly #faults: Record<FaultKind, (lastsMs: number) => void> = {
    'crash-client': () => this.#client().crash(),
    'close-client': () => this.#client().close(),
    'pause-client': (lastsMs) => this.#pause(this.#client().process, lastsMs),
    'crash-consumer': (lastsMs) => this.#consumer()?.crash(lastsMs),
    'pause-consumer': (lastsMs) => this.#pause(this.#consumer()?.process, lastsMs),
    leave: (lastsMs) => this.#consumer()?.stop(lastsMs),
    join: (lastsMs) => this.#join(lastsMs),
    election: (lastsMs) => this.#elect(() => this.#scene.random.chance(0.5), lastsMs),
    'no-quorum': (lastsMs) => this.#elect(() => true, lastsMs),
    'coordinator-restart': () => this.#scene.broker.restartCoordinator(),
    'store-outage': (lastsMs) => {
      const { storeServer } = this.#scene;
      storeServer.out = true;
      this.#until(lastsMs, () => {
        storeServer.out = false;
      });
    },
    'store-loss': () => this.#scene.loseStore(),
    'clock-jump': () => {
      const { random } = this.#scene;
      const consumer = this.#consumer();
      if (consumer !== undefined) consumer.process.skewMs += random.between(-MAX_JUMP_MS, MAX_JUMP_MS);
    },
  };

  #client() {
    return this.#scene.random.pick(this.#clients);
  }

  #consumer(): Consumer | undefined {
    return this.#scene.random.pick(this.#consumers);
  }

  #until(lastsMs: number, end: () => void): void {
    const once = () => {
      if (this.#endings.delete(once)) end();
    };
    this.#endings.add(once);
    this.#scene.scheduler.after(lastsMs, null, once);
  }

  #pause(process: SimProcess | undefined, lastsMs: number): void {
    if (process === undefined || !process.running) return;
    process.pause();
    this.#until(lastsMs, () => process.resume());
  }

  #elect(whether: () => boolean, lastsMs: number): void {
    const { broker } = this.#scene;
    this.#until(lastsMs, broker.elect(broker.all().filter(whether)));
  }

  #join(lastsMs: number): void {
    if (this.#extra >= MAX_EXTRA_MEMBERS) return;
    const extra = new Consumer(this.#scene, `extra-${++this.#extra}`);
    this.#consumers.push(extra);
    this.#until(lastsMs, () => extra.stop(null));
  }
}
