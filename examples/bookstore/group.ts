/** A reaction as it runs: the processes of its group, and the projection that they share. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SqliteProjectionStore } from 'streamsocial/kit/projections/embedded/sqlite-store';
import type { Tallies } from 'streamsocial/kit/projections/projection-store';
import { type Ground, until } from '../ground.ts';
import type { MemberReport, MemberSpec, Reaction } from './member.ts';

export class Member {
  readonly #process: ChildProcess;
  #report: MemberReport = { partitions: 0, handled: 0 };

  constructor(spec: MemberSpec) {
    this.#process = fork(new URL('./member.ts', import.meta.url), [JSON.stringify(spec)]);
    this.#process.on('message', (report: MemberReport) => {
      this.#report = report;
    });
  }

  get partitions(): number {
    return this.#report.partitions;
  }

  get handled(): number {
    return this.#report.handled;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** As kill -9: no time to finish anything. */
  kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    return this.#gone();
  }

  stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    return this.#gone();
  }

  async #gone(): Promise<void> {
    if (this.isAlive) await once(this.#process, 'exit');
  }
}

export class Group {
  readonly name: string;
  readonly store: SqliteProjectionStore;
  readonly members: readonly Member[];

  static async start(ground: Ground, topic: string, reaction: Reaction, processes: number, name: string = reaction) {
    const { bootstrap, sessionTimeoutMs } = ground;
    const storePath = join(ground.directory, `${name}.sqlite`);
    const store = await SqliteProjectionStore.open({ path: storePath, name: reaction });
    const spec = { bootstrap, topic, group: ground.name(name), reaction, storePath, sessionTimeoutMs };
    const names = Array.from({ length: processes }, (_, n) => `${name}-${n + 1}`);
    return new Group(
      name,
      store,
      names.map((memberName) => new Member({ ...spec, name: memberName })),
    );
  }

  private constructor(name: string, store: SqliteProjectionStore, members: readonly Member[]) {
    this.name = name;
    this.store = store;
    this.members = members;
  }

  /** What became of the records, all partitions together: kept in the projection, with the effects. */
  async tallies(): Promise<Tallies> {
    const sum = { applied: 0, duplicates: 0, dead: 0 };
    for (const { tallies } of await this.store.partitions()) {
      sum.applied += tallies.applied;
      sum.duplicates += tallies.duplicates;
      sum.dead += tallies.dead;
    }
    return sum;
  }

  /** Until all partitions are read, and no process that lives is idle: the partitions of each of them. */
  async balanced(partitions: number): Promise<number[]> {
    const shares = () => this.members.filter(({ isAlive }) => isAlive).map((member) => member.partitions);
    await until(`${this.name}: ${partitions} partitions shared`, () => {
      return shares().every((share) => share > 0) && shares().reduce((a, b) => a + b) === partitions;
    });
    return shares();
  }

  async settled(records: number): Promise<void> {
    await until(`${this.name}: ${records} records`, async () => {
      const { applied, duplicates, dead } = await this.tallies();
      return applied + duplicates + dead >= records;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await this.store.close();
  }
}
