import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isKitError } from '../../../../src/kit/errors.ts';
import type { GroupCoordinator } from '../../../../src/kit/log/embedded/group-coordinator.ts';
import type { JoinRequest } from '../../../../src/kit/log/group-transport.ts';
import { settle } from '../../../support/manual-clock.ts';
import {
  assignTo,
  code,
  coordinator,
  GROUP,
  identity,
  joined,
  REBALANCE_MS,
  request,
  SESSION_MS,
} from './group-support.ts';

const PARTITIONS = 6;

describe('group coordinator', () => {
  test('a lone member leads, assigns, beats and leaves', async () => {
    const { group } = coordinator();
    const one = await joined(group);
    assert.deepEqual([one.generation, one.leaderId, one.members.length], [1, one.memberId, 1]);
    assert.equal(group.describe(GROUP).state, 'CompletingRebalance');
    assert.equal(String(await group.sync(identity(one), assignTo(one.memberId))), one.memberId);
    assert.equal(group.describe(GROUP).state, 'Stable');
    await group.heartbeat(identity(one));
    await group.leave(identity(one));
    assert.equal(group.describe(GROUP).state, 'Empty');
    assert.equal((await joined(group)).generation, 3, 'generations ascend');
  });

  test('a new member is given its id first, and may leave while it waits', async () => {
    const { group, clock } = coordinator();
    const one = await joined(group);
    await group.sync(identity(one), []);
    const idOf = async (): Promise<string> =>
      group.join(request('')).then(
        () => assert.fail('an id was not required'),
        (error) => String(error.details.memberId),
      );
    const id = await idOf();
    const waiting = group.join(request(id));
    const refused = assert.rejects(waiting, code('UNKNOWN_MEMBER_ID'));
    await assert.rejects(group.heartbeat(identity(one)), code('REBALANCE_IN_PROGRESS'));
    await group.leave({ groupId: GROUP, memberId: id });
    await refused;
    // An id that nobody uses does not hold up the group for longer than a session.
    await idOf();
    const again = joined(group, one.memberId);
    await clock.advance(SESSION_MS - 1);
    assert.equal(group.describe(GROUP).state, 'PreparingRebalance');
    await clock.advance(1);
    assert.equal((await again).members.length, 1);
  });

  test('members that wait for the leader are told when it is gone', async () => {
    const { group, clock } = coordinator();
    const leader = await joined(group);
    await group.sync(identity(leader), []);
    const two = joined(group);
    await assert.rejects(group.heartbeat(identity(leader)), code('REBALANCE_IN_PROGRESS'));
    const [, follower] = await Promise.all([joined(group, leader.memberId), two]);
    assert.deepEqual([follower.generation, follower.leaderId, follower.members], [2, leader.memberId, []]);
    const told = assert.rejects(group.sync(identity(follower), []), code('REBALANCE_IN_PROGRESS'));
    await clock.advance(SESSION_MS);
    await told;
    const next = await joined(group, follower.memberId);
    assert.deepEqual([next.generation, next.leaderId], [3, follower.memberId]);
    await assert.rejects(group.sync(identity({ ...leader, generation: 2 }), []), code('UNKNOWN_MEMBER_ID'));
  });

  test('a leader that beats but does not assign is left behind', async () => {
    const { group, clock } = coordinator();
    const leader = await joined(group);
    for (let ms = 0; ms < REBALANCE_MS; ms += 5_000) {
      await group.heartbeat(identity(leader));
      await clock.advance(5_000);
    }
    await assert.rejects(group.heartbeat(identity(leader)), code('UNKNOWN_MEMBER_ID'));
  });

  test('a member that does not join again within the rebalance timeout is out', async () => {
    const { group, clock } = coordinator();
    const slow = await joined(group);
    await group.sync(identity(slow), []);
    const two = joined(group);
    for (let ms = 0; ms < REBALANCE_MS; ms += 5_000) {
      await assert.rejects(group.heartbeat(identity(slow)), code('REBALANCE_IN_PROGRESS'));
      await clock.advance(5_000);
    }
    assert.deepEqual((await two).members.length, 1);
    await assert.rejects(group.heartbeat(identity(slow)), code('UNKNOWN_MEMBER_ID'));
  });

  test('an initial delay gathers members into the first generation, for as long as some come', async () => {
    const { group, clock } = coordinator({ initialRebalanceDelayMs: 3_000 });
    const alone = joined(group, '', { groupId: 'alone' });
    await clock.advance(2_999);
    assert.equal(group.describe('alone').generation, 0);
    await clock.advance(1);
    assert.equal((await alone).generation, 1);

    const joining = [joined(group)];
    for (const afterMs of [2_000, 3_000, 3_000]) {
      await clock.advance(afterMs);
      joining.push(joined(group));
    }
    // The last came before 9,000: it is gathered until 9,000, and nobody has come since.
    await clock.advance(3_999);
    assert.equal(group.describe(GROUP).generation, 0);
    await clock.advance(1);
    assert.deepEqual(
      (await Promise.all(joining)).map(({ generation }) => generation),
      [1, 1, 1, 1],
    );
  });

  test('the initial delay ends with the rebalance timeout, whoever still comes', async () => {
    const { group, clock } = coordinator({ initialRebalanceDelayMs: 20_000 });
    const joining = [joined(group), joined(group)];
    await clock.advance(25_000);
    joining.push(joined(group));
    await clock.advance(REBALANCE_MS - 25_000);
    assert.equal((await Promise.all(joining)).length, 3);
  });

  test('what cannot join is told why', async () => {
    const { group } = coordinator();
    const join = (fields: Partial<JoinRequest>) => group.join(request('', fields), { memberIdRequired: false });
    await assert.rejects(join({ sessionTimeoutMs: 99 }), code('INVALID_SESSION_TIMEOUT'));
    await assert.rejects(join({ sessionTimeoutMs: Number.NaN }), code('INVALID_SESSION_TIMEOUT'));
    await assert.rejects(join({ groupId: '' }), code('INVALID_GROUP_ID'));
    await assert.rejects(join({ memberId: 'ghost' }), code('UNKNOWN_MEMBER_ID'));
    await assert.rejects(join({ protocols: [] }), code('INCONSISTENT_GROUP_PROTOCOL'));
    await joined(group);
    await assert.rejects(join({ protocolType: 'connect' }), code('INCONSISTENT_GROUP_PROTOCOL'));
    await assert.rejects(
      join({ protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] }),
      code('INCONSISTENT_GROUP_PROTOCOL'),
    );
  });

  test('the assignor is the one that most members prefer among those that all know', async () => {
    const { group } = coordinator();
    const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: Buffer.from(name) }));
    const join = (memberId: string, ...names: string[]) =>
      group.join(request(memberId, { protocols: protocols(...names) }), { memberIdRequired: false });
    const one = await join('', 'c', 'a', 'b');
    const joining = [join('', 'b', 'a'), join('', 'x', 'b', 'a')];
    const [leader] = await Promise.all([join(one.memberId, 'c', 'a', 'b'), ...joining]);
    assert.equal(leader.protocolName, 'b');
    assert.deepEqual(
      leader.members.map(({ metadata }) => String(metadata)),
      ['b', 'b', 'b'],
    );
  });

  test('offsets are committed by members of this generation, or from outside while there are none', async () => {
    const { group } = coordinator();
    const offset = { topic: 't', partition: 0, offset: 5 };
    const outside = { groupId: GROUP, generation: -1, memberId: '' };
    await group.commit(outside, [offset]);
    const one = await joined(group);
    await assert.rejects(group.commit(outside, [offset]), code('GROUP_ACTIVE'));
    await assert.rejects(group.commit(identity(one), [offset]), code('REBALANCE_IN_PROGRESS'));
    await group.sync(identity(one), []);
    await group.commit(identity(one), [{ ...offset, offset: 6 }]);
    await assert.rejects(group.commit(identity({ ...one, generation: 0 }), [offset]), code('ILLEGAL_GENERATION'));
    await assert.rejects(group.commit(identity({ ...one, memberId: 'ghost' }), [offset]), code('UNKNOWN_MEMBER_ID'));
    const two = joined(group);
    // Before it revokes, a member still says how far it got.
    await group.commit(identity(one), [{ ...offset, offset: 7 }]);
    assert.deepEqual(await group.committed(GROUP), [{ ...offset, offset: 7 }]);
    await group.leave(identity(one));
    await two;
  });

  test('in any history a partition has one owner per generation, and those who are left end up with all of them', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('start' as const), who: fc.nat(3) }) },
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('beat' as const), who: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), who: fc.nat(3) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('pass' as const), who: fc.integer({ min: 1, max: 12_000 }) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, group } = coordinator();
        const world = new World(group);
        for (const { kind, who } of steps) {
          if (kind === 'pass') await clock.advance(who);
          else world.actors[who]![kind]();
          await settle();
        }
        for (let ms = 0; ms < 3 * REBALANCE_MS; ms += SESSION_MS / 2) {
          for (const actor of world.actors) actor.beat();
          await clock.advance(SESSION_MS / 2);
        }
        const alive = world.actors.filter((actor) => actor.alive);
        const owned = alive.flatMap((actor) => actor.owned).sort();
        assert.deepEqual(owned, alive.length === 0 ? [] : Array.from({ length: PARTITIONS }, (_, p) => p));
        assert.equal(new Set(alive.map((actor) => actor.generation)).size, Math.min(1, alive.length));
      }),
      { numRuns: 60 },
    );
  });
});

/** Members as any client would be: they join, assign when they lead, rejoin when told to. */
class World {
  readonly actors: Actor[];
  readonly owners = new Map<string, string>();

  constructor(group: GroupCoordinator) {
    this.actors = [0, 1, 2, 3].map(() => new Actor(group, this));
  }

  own(generation: number, memberId: string, partitions: number[]): void {
    for (const partition of partitions) {
      const key = `${generation}:${partition}`;
      assert.ok((this.owners.get(key) ?? memberId) === memberId, `partition ${partition} twice in ${generation}`);
      this.owners.set(key, memberId);
    }
  }
}

class Actor {
  readonly #group: GroupCoordinator;
  readonly #world: World;
  alive = false;
  generation = -1;
  owned: number[] = [];
  #memberId = '';
  #busy = false;
  /** Raised by a crash: what was under way belongs to a life that is over. */
  #life = 0;

  constructor(group: GroupCoordinator, world: World) {
    this.#group = group;
    this.#world = world;
  }

  start(): void {
    if (this.alive) return;
    this.alive = true;
    this.#memberId = '';
    void this.#join();
  }

  beat(): void {
    if (!this.alive || this.#busy) return;
    const life = this.#life;
    this.#group.heartbeat(this.#identity()).catch((error) => life === this.#life && this.#rejoin(error));
  }

  leave(): void {
    if (!this.alive) return;
    const identity = this.#identity();
    this.crash();
    this.#group.leave(identity).catch(() => {});
  }

  crash(): void {
    this.alive = false;
    this.#busy = false;
    this.owned = [];
    this.#life++;
  }

  #identity() {
    return { groupId: GROUP, memberId: this.#memberId, generation: this.generation };
  }

  async #join(): Promise<void> {
    const life = this.#life;
    this.#busy = true;
    this.owned = [];
    try {
      const { memberId, generation, leaderId, members } = await this.#group.join(request(this.#memberId));
      if (life !== this.#life) return;
      this.#memberId = memberId;
      this.generation = generation;
      const deal = (i: number) =>
        Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => p % members.length === i);
      const assignments = members.map((member, i) => ({ memberId: member.memberId, assignment: Buffer.from(deal(i)) }));
      const assignment = await this.#group.sync(this.#identity(), memberId === leaderId ? assignments : []);
      if (life !== this.#life) return;
      this.owned = [...assignment];
      this.#world.own(generation, memberId, this.owned);
      this.#busy = false;
    } catch (error) {
      if (life === this.#life) this.#rejoin(error);
    }
  }

  #rejoin(error: unknown): void {
    if (!isKitError(error)) throw error;
    if (error.code === 'MEMBER_ID_REQUIRED') this.#memberId = String(error.details.memberId);
    if (error.code === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
    void this.#join();
  }
}
