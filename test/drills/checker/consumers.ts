/** What consuming processes do: own partitions, apply, park, give up, die, freeze, and lose their store. */
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import {
  deadLetterHeaders,
  deadLetterTopic,
  markerHeaders,
  originalHeaders,
  readDeadLetter,
  replayHeaders,
} from '../../../src/kit/dlq/dead-letter.ts';
import type { LogRecord, TopicPartition } from '../../../src/kit/log/event-log.ts';
import type { ApplyBatch, Effect, ParkedRecord } from '../../../src/kit/projections/projection-store.ts';
import type { Apply, Group, Ownership, World } from './world.ts';

interface Owned extends TopicPartition {
  /** Null until it is claimed (again). */
  claim: { readonly epoch: number; position: number | null; parked: Map<number, ParkedRecord> } | null;
}

interface Consumer {
  readonly name: string;
  /** The group goes on without it, and it does not know. */
  isZombie: boolean;
  /** By group, then by place. */
  readonly owned: Map<Group, Owned[]>;
}

interface Draft {
  readonly effects: Effect[];
  readonly park: ParkedRecord[];
  readonly unpark: number[];
  readonly dead: LogRecord[];
}

type Ending = 'ok' | 'unknown, applied' | 'unknown, not applied' | 'killed, applied' | 'killed, not applied';

const SESSION_MS = 6_000;
const MAX_ATTEMPTS = 3;

export class Consumers {
  readonly #world: World;
  #consumers: Consumer[] = [];
  #named = 0;

  constructor(world: World) {
    this.#world = world;
    for (let count = 0; count < 3; count++) this.#start();
    this.rebalance();
  }

  async step(): Promise<void> {
    const kind = this.#world.random.next();
    if (kind < 0.86) await this.#work();
    else if (kind < 0.91) this.rebalance();
    else if (kind < 0.94) await this.#kill();
    else if (kind < 0.97) await this.#zombie();
    else if (kind < 0.985) await this.#loseStores();
    else this.#replay();
  }

  /** Until everything is applied; what is stuck stays parked. */
  async drain(): Promise<void> {
    this.rebalance();
    for (const consumer of this.#consumers) {
      for (const [group, owned] of consumer.owned) {
        for (const place of owned) while (await this.#advance(consumer, group, place, false));
      }
    }
    if (this.#world.chance(0.7)) for (const group of this.#world.groups) this.#revokeAll(group);
  }

  /** Every member gives its partitions back; then they are dealt out anew. */
  rebalance(): void {
    this.#world.count('rebalance');
    for (const group of this.#world.groups) {
      this.#revokeAll(group);
      this.#deal(group);
    }
  }

  #start(): Consumer {
    this.#named += 1;
    const owned = new Map(this.#world.groups.map((group) => [group, [] as Owned[]]));
    const consumer = { name: `consumer-${this.#named}`, isZombie: false, owned };
    this.#consumers.push(consumer);
    return consumer;
  }

  #revokeAll(group: Group): void {
    for (const consumer of this.#consumers) if (!consumer.isZombie) this.#giveBack(consumer, group, 'revoked');
  }

  #giveBack(consumer: Consumer, group: Group, kind: Ownership['kind']): void {
    this.#tellOwnership(consumer, group, kind, consumer.owned.get(group)!);
    consumer.owned.set(group, []);
  }

  #deal(group: Group): void {
    const members = this.#consumers.filter(({ isZombie }) => !isZombie);
    for (const place of this.#world.placesOf(group)) {
      this.#world.random
        .pick(members)
        .owned.get(group)!
        .push({ ...place, claim: null });
    }
    for (const consumer of members) this.#tellOwnership(consumer, group, 'assigned', consumer.owned.get(group)!);
  }

  #tellOwnership({ name }: Consumer, { id }: Group, kind: Ownership['kind'], places: readonly TopicPartition[]): void {
    if (places.length === 0) return;
    const invokedMs = this.#world.tick();
    const partitions = places.map(({ topic, partition }) => ({ topic, partition }));
    const memberId = kind === 'assigned' ? '' : `${name}-member`;
    this.#world.write({
      kind,
      process: name,
      group: id,
      memberId,
      partitions,
      invokedMs,
      completedMs: this.#world.tick(),
    });
  }

  /** One process does something with one of its partitions. */
  async #work(): Promise<void> {
    const { random } = this.#world;
    const consumer = random.pick(this.#consumers);
    const group = random.pick(this.#world.groups);
    const owned = consumer.owned.get(group)!;
    if (owned.length > 0) await this.#advance(consumer, group, random.pick(owned), true);
  }

  /** @returns whether there was something to do */
  async #advance(consumer: Consumer, group: Group, place: Owned, faults: boolean): Promise<boolean> {
    if (!this.#consumers.includes(consumer)) return false;
    if (place.claim === null) {
      const { epoch, next, parked } = await group.store.claim(place);
      place.claim = { epoch, position: next, parked: new Map(parked.map((record) => [record.offset, record])) };
    }
    const { position, parked } = place.claim;
    const records = this.#world.log(place);
    const heads = [...Map.groupBy(parked.values(), ({ key }) => key).values()]
      .map((queue) => queue.reduce((first, one) => (one.offset < first.offset ? one : first)))
      .filter((head) => !isStuck(records[head.offset]!));
    const ending = faults ? this.#ending() : 'ok';
    if (heads.length > 0 && (this.#world.chance(0.4) || (position ?? 0) >= records.length)) {
      await this.#commit(consumer, group, place, this.#retry(group, place, heads), position, ending);
      return true;
    }
    const from = position ?? 0;
    const next = Math.min(records.length, from + 1 + this.#world.random.integer(6));
    if (next === from) return false;
    await this.#commit(consumer, group, place, this.#take(group, place, records.slice(from, next)), next, ending);
    return true;
  }

  #ending(): Ending {
    const kind = this.#world.random.next();
    if (kind < 0.03) return 'unknown, applied';
    if (kind < 0.06) return 'unknown, not applied';
    if (kind < 0.07) return 'killed, applied';
    return kind < 0.08 ? 'killed, not applied' : 'ok';
  }

  #take(group: Group, { claim }: Owned, records: readonly LogRecord[]): Draft {
    const draft: Draft = { effects: [], park: [], unpark: [], dead: [] };
    const waiting = new Set([...claim!.parked.values()].map(({ key }) => key));
    for (const record of records) {
      const decoded = socialEventCodec.decode(record);
      const key = String(record.key ?? '');
      if (!decoded.ok) draft.dead.push(record);
      else if (waiting.has(key) || failuresOf(record) > 0) {
        waiting.add(key);
        draft.park.push(parkedRecord(record.offset, key, 1));
      } else draft.effects.push({ offset: record.offset, eventId: decoded.id, deltas: group.project(decoded.event) });
    }
    return draft;
  }

  #retry(group: Group, place: Owned, heads: readonly ParkedRecord[]): Draft {
    const draft: Draft = { effects: [], park: [], unpark: [], dead: [] };
    for (const head of heads) {
      const record = this.#world.log(place)[head.offset]!;
      const decoded = socialEventCodec.decode(record);
      if (!decoded.ok) throw new Error('poison is never parked');
      if (head.attempts >= MAX_ATTEMPTS) draft.dead.push(record);
      else if (head.attempts < failuresOf(record)) {
        draft.park.push(parkedRecord(head.offset, head.key, head.attempts + 1));
        continue;
      } else draft.effects.push({ offset: head.offset, eventId: decoded.id, deltas: group.project(decoded.event) });
      draft.unpark.push(head.offset);
    }
    this.#world.count('retry');
    return draft;
  }

  async #commit(
    consumer: Consumer,
    group: Group,
    place: Owned,
    draft: Draft,
    next: number | null,
    ending: Ending,
  ): Promise<void> {
    const world = this.#world;
    const { topic, partition, claim } = place;
    for (const record of draft.dead) this.#bury(group, record);
    const { effects, park, unpark, dead } = draft;
    const batch: ApplyBatch = {
      topic,
      partition,
      epoch: claim!.epoch,
      expect: claim!.position,
      next: next ?? 0,
      effects,
      park,
      unpark,
      dead: dead.length,
      now: 1_700_000_000_000,
    };
    const entry = this.#tellApply(consumer, group, batch);
    if (ending !== 'ok') world.count(ending);
    const outcome = ending.endsWith('not applied') ? null : await group.store.apply(batch);
    if (ending.startsWith('killed')) {
      entry.completedMs = null;
      this.#bury1(consumer);
    } else if (ending !== 'ok') place.claim = null;
    else {
      entry.outcome = outcome!.status;
      if (outcome!.status !== 'ok') {
        world.count(outcome!.status);
        place.claim = null;
        return;
      }
      claim!.position = batch.next;
      for (const record of park) claim!.parked.set(record.offset, record);
      for (const offset of unpark) claim!.parked.delete(offset);
    }
  }

  #tellApply({ name }: Consumer, { id }: Group, batch: ApplyBatch): Apply {
    const { topic, partition, epoch, expect, next, effects, park, unpark, dead } = batch;
    const offsets = effects.map(({ offset }) => offset);
    const parked = park.map(({ offset }) => offset);
    const invokedMs = this.#world.tick();
    return this.#world.write({
      kind: 'apply',
      process: name,
      group: id,
      topic,
      partition,
      epoch,
      expect,
      next,
      offsets,
      parked,
      unparked: [...unpark],
      dead,
      invokedMs,
      completedMs: this.#world.tick(),
      outcome: 'unknown',
    }) as Apply;
  }

  #bury(group: Group, record: LogRecord): void {
    this.#world.count('dead letter');
    const letter = { record, group: group.id, code: 'TEST', reason: 'it is', deliveryCount: 1, firstFailedAt: 0 };
    const { key, value } = record;
    this.#world.append(
      { topic: deadLetterTopic(record.topic), partition: 0 },
      { key, value, headers: deadLetterHeaders(letter) },
    );
  }

  /** Its process is gone; nobody says so. */
  #bury1(consumer: Consumer): void {
    this.#consumers = this.#consumers.filter((one) => one !== consumer);
    this.#start();
    this.#world.tick(2 * SESSION_MS);
    this.rebalance();
  }

  async #kill(): Promise<void> {
    this.#world.count('killed');
    this.#bury1(this.#world.random.pick(this.#consumers));
  }

  /** Frozen or cut off from the group for longer than its session; then it goes on as if nothing had been. */
  async #zombie(): Promise<void> {
    const world = this.#world;
    const zombie = world.random.pick(this.#consumers);
    zombie.isZombie = true;
    const cutOff = world.chance(0.5);
    const held = this.#beginHeld(zombie);
    const group = world.random.pick(world.groups);
    for (const place of cutOff ? [...zombie.owned.get(group)!] : []) {
      world.tick(SESSION_MS);
      await this.#advance(zombie, group, place, false);
    }
    world.tick(50);
    const untilMs = world.nowMs + SESSION_MS;
    while (world.nowMs < untilMs) world.tick(SESSION_MS);
    this.rebalance();
    const others = this.#consumers.filter((one) => one !== zombie);
    for (const consumer of others) {
      for (const [one, owned] of consumer.owned)
        for (const place of owned) await this.#advance(consumer, one, place, false);
    }
    if (held !== null) held.completedMs = world.tick();
    world.count(cutOff ? 'cut off' : 'frozen');
    for (const one of world.groups) {
      const before = world.counts.get('fenced') ?? 0;
      for (const place of [...zombie.owned.get(one)!]) await this.#advance(zombie, one, place, false);
      const wasFenced = (world.counts.get('fenced') ?? 0) > before;
      // what is fenced leaves the group by itself; else it is told, at the latest by its next heartbeat
      const leaves = wasFenced && world.chance(0.7);
      if (leaves) world.count('revoked by a zombie');
      this.#giveBack(zombie, one, leaves ? 'revoked' : 'lost');
    }
    zombie.isZombie = false;
  }

  /** A transaction that the store has accepted, whose answer comes only when the process goes on. */
  #beginHeld(zombie: Consumer): Apply | null {
    const last = this.#world.history.findLast((entry) => entry.kind === 'apply' && entry.process === zombie.name);
    if (last?.kind !== 'apply' || last.outcome !== 'ok' || !this.#world.chance(0.5)) return null;
    this.#world.count('held answer');
    return last as Apply;
  }

  /** The data of all stores goes, all of it or back to an earlier moment; the mark comes first. */
  async #loseStores(): Promise<void> {
    const world = this.#world;
    const saved = world.groups.map(({ store }) => structuredClone(store.data.partitions));
    const documents = world.groups.map(({ store }) => structuredClone(store.data.documents));
    const toSnapshot = world.chance(0.4);
    for (let steps = world.random.integer(6); toSnapshot && steps > 0; steps--) await this.#work();
    world.mark('store-reset');
    // the store goes a moment after its mark; what falls back does so at once, or nobody could tell the two apart
    for (let steps = world.random.integer(4); !toSnapshot && steps > 0; steps--) await this.#work();
    for (const [index, { store }] of world.groups.entries()) {
      store.data.lose();
      if (!toSnapshot) continue;
      for (const [name, partition] of saved[index]!) store.data.partitions.set(name, partition);
      for (const [name, fields] of documents[index]!) store.data.documents.set(name, fields);
    }
    world.lossesMs.push(world.tick());
    world.count(toSnapshot ? 'back to a snapshot' : 'store lost');
  }

  /** An operator sends a dead letter back. */
  #replay(): void {
    const world = this.#world;
    const letters = [...world.logs].flatMap(([name, log]) => (name.includes('.dlq/') ? log : []));
    const record = letters.length > 0 ? world.random.pick(letters) : undefined;
    const entry = record && readDeadLetter(record);
    if (record === undefined || entry == null || entry.replayCount > 0) return;
    world.count('replay');
    const { key, value } = record;
    const headers = replayHeaders(originalHeaders(record), 1, entry);
    world.append(entry, { key, value, headers });
    world.append(record, { key, value: null, headers: markerHeaders({ id: entry.id, replays: 1 }) });
  }
}

function parkedRecord(offset: number, key: string, attempts: number): ParkedRecord {
  return { offset, key, attempts, dueAt: 0, firstFailedAt: 0, reason: 'test' };
}

/** How often an event fails before it succeeds, by its id; a replayed one is healed. */
function failuresOf({ headers }: LogRecord): number {
  if (headers.some(([name]) => name === 'streamsocial-replay-of')) return 0;
  const number = eventNumber(headers);
  if (number % 23 === 0) return MAX_ATTEMPTS + 1;
  return number % 11 === 0 ? 1 + (number % 2) : 0;
}

/** Parked, and not due for a long time. */
function isStuck({ headers }: LogRecord): boolean {
  return eventNumber(headers) % 253 === 0 && failuresOf({ headers } as LogRecord) > 0;
}

function eventNumber(headers: LogRecord['headers']): number {
  const id = headers.find(([name]) => name === 'ce_id')?.[1]?.toString() ?? '';
  return Number(id.split('-')[1] ?? 1);
}
