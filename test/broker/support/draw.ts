/** Arguments drawn at random: mostly such as mean something to the broker, now and then such as do not. */
import type { Random } from '../../simulation/random.ts';
import { type BatchSpec, DAMAGE_KINDS, type Damage } from './batches.ts';
import type { KnownMember, KnownProducer, World } from './world.ts';

/** Of no topic. */
export const UNKNOWN_IDS = ['abcdefghijklmnopqrstuQ', 'abcdefghijklmnopqrstuA'] as const;
const ODD_NAMES = ['', '.', '..', 'with space', 'späce', 'x'.repeat(250), 'x'.repeat(249).concat('/')];
const ODD_PARTITIONS = [-1, 99, 2_147_483_647, -2_147_483_648];
const ODD_OFFSETS = [-1, -2, -3, 1_000_000, Number.MAX_SAFE_INTEGER];
/** After the last one comes 0. */
const SEQUENCES = 2 ** 31;
const KEYS = ['a', 'b', 'c', 'd', ''];

export interface DrawOptions {
  readonly now: number;
  readonly oddity?: number;
  /** Of group members; also how long the others wait for one. */
  readonly sessionMs: number;
  /** Of record batches. Default: every kind. */
  readonly damages?: readonly Damage[];
}

export class Draw {
  readonly random: Random;
  readonly world: World;
  /** Ms since the epoch; the records' times are about then. */
  readonly now: number;
  /** How often an argument is one that cannot be right. */
  readonly oddity: number;
  readonly sessionMs: number;
  readonly #damages: readonly Damage[];

  constructor(random: Random, world: World, { now, oddity = 0.06, sessionMs, damages = DAMAGE_KINDS }: DrawOptions) {
    this.random = random;
    this.world = world;
    this.now = now;
    this.oddity = oddity;
    this.sessionMs = sessionMs;
    this.#damages = damages;
  }

  odd(): boolean {
    return this.random.chance(this.oddity);
  }

  topicName(): string {
    if (this.odd()) return this.random.pick(ODD_NAMES);
    const known = [...this.world.topics.keys()];
    return known.length > 0 && !this.random.chance(0.15) ? this.random.pick(known) : this.anyTopicName();
  }

  /** One of a few, whether it is there or not. */
  anyTopicName(): string {
    return this.random.pick(this.world.topicNames);
  }

  /** Of the topic of this name, if there is one. */
  topicId(name: string): string {
    if (this.odd()) return this.random.pick([UNKNOWN_IDS[1], ...this.world.topicIds]);
    return this.world.topics.get(name)?.id ?? UNKNOWN_IDS[0];
  }

  partition(topic: string): number {
    if (this.odd()) return this.random.pick(ODD_PARTITIONS);
    const count = this.world.topics.get(topic)?.partitions ?? 1;
    return this.random.chance(0.04) ? count : this.random.between(0, count - 1);
  }

  /** Different ones. */
  partitions(topic: string): number[] {
    const drawn = Array.from({ length: this.random.between(1, 2) }, () => this.partition(topic));
    return [...new Set(drawn)];
  }

  /** Different topics. */
  topicNames(): string[] {
    const drawn = Array.from({ length: this.random.chance(0.3) ? 2 : 1 }, () => this.topicName());
    return [...new Set(drawn)];
  }

  offset(): number {
    return this.odd() ? this.random.pick(ODD_OFFSETS) : this.random.skewed(0, 40);
  }

  /** Mostly one that holds; the log has never had another than 0. */
  leaderEpoch(): number {
    return this.random.chance(0.7) ? -1 : this.random.pick([0, 0, 0, 1, 5]);
  }

  groupId(): string {
    return this.odd() ? `${this.world.groupIds[0]}-unknown` : this.random.pick(this.world.groupIds);
  }

  member(groupId: string): KnownMember | undefined {
    const members = this.world.membersOf(groupId);
    return members.length === 0 ? undefined : this.random.pick(members);
  }

  /** Those that wait for no answer: of two requests of one member, Kafka answers the later one only. */
  idleMembers(groupId: string): KnownMember[] {
    return this.world.membersOf(groupId).filter(({ waits }) => !waits);
  }

  /** Of a member, or of nobody. */
  identity(
    groupId: string,
    from: readonly KnownMember[] = this.world.membersOf(groupId),
  ): {
    generation: number;
    memberId: string;
    instanceId: string | null;
    protocol: string | null;
  } {
    const { random } = this;
    const member = from.length > 0 && random.chance(0.9) ? random.pick(from) : undefined;
    if (member === undefined) {
      const [generation, memberId] = random.pick([[-1, ''] as const, [1, 'nobody'] as const, [-1, 'nobody'] as const]);
      return { generation, memberId, instanceId: random.chance(0.1) ? 'i0' : null, protocol: 'range' };
    }
    const generation = this.odd() ? random.pick([-1, member.generation - 1, member.generation + 1]) : member.generation;
    const instanceId = this.odd() ? random.pick(['i0', 'i9', null]) : member.instanceId;
    return { generation, memberId: member.memberId, instanceId, protocol: member.protocol };
  }

  batch(topic: string, partition: number): BatchSpec {
    const { random } = this;
    const records = Array.from({ length: random.between(1, 4) }, () => ({
      key: random.chance(0.25) ? null : random.pick(KEYS),
      value: random.chance(0.1) ? null : 'v'.repeat(random.skewed(0, 200)),
      delayMs: random.between(-5, 1_000),
      ...(random.chance(0.2) ? { header: 'h' } : {}),
    }));
    const damage = this.odd() ? { damage: random.pick(this.#damages) } : {};
    const compression = random.chance(0.7) ? 0 : random.between(1, 4);
    return {
      timestamp: this.now + random.between(0, 60_000),
      records,
      compression,
      ...this.#stamp(`${topic}:${partition}`, records.length),
      ...damage,
    };
  }

  #stamp(at: string, count: number): Partial<BatchSpec> {
    const { random, world } = this;
    if (world.producers.length === 0 || random.chance(0.5)) return {};
    const producer: KnownProducer = random.pick(world.producers);
    const { id, epoch } = producer;
    const last = producer.last.get(at);
    const next = last === undefined ? 0 : (last.sequence + last.count) % SEQUENCES;
    if (random.chance(0.7)) return { producer: id, epoch, sequence: next };
    return random.pick([
      { producer: id, epoch, sequence: last?.sequence ?? 0 },
      { producer: id, epoch, sequence: (next + 1) % SEQUENCES },
      { producer: id, epoch, sequence: Math.max(0, next - count) },
      { producer: id, epoch: Math.max(0, epoch - 1), sequence: next },
      { producer: id, epoch: epoch + 1, sequence: 0 },
      { producer: id, epoch: epoch + 1, sequence: next },
      { producer: id, epoch, sequence: -1 },
      { producer: '987654321', epoch: 0, sequence: random.between(0, 3) },
      { producer: id, epoch, sequence: 2_147_483_646 },
    ]);
  }
}
