/**
 * A coordinator under clients that do anything at any time: join twice at once, with ids they never had, commit for others, vanish.
 * What is asked of it then is not who gets what, but that it never contradicts itself and never lets anyone wait for ever.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKitError } from '../../../../src/kit/errors.ts';
import type { GroupCoordinator } from '../../../../src/kit/log/embedded/group-coordinator.ts';
import type { JoinAnswer } from '../../../../src/kit/log/embedded/group-member.ts';
import { type ManualClock, settle } from '../../../support/manual-clock.ts';
import { coordinator, REBALANCE_MS, request, SESSION_MS } from './group-support.ts';

const GROUPS = ['one', 'two'];
const CLIENTS = 6;
const INITIAL_DELAY_MS = 3_000;
/** Most of what can go wrong needs a group that has come to rest before. */
const LONG = { minLength: 40, maxLength: 120, size: 'max' as const };
const REFUSALS = new Set([
  'MEMBER_ID_REQUIRED',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_FULL',
  'GROUP_LIMIT',
  'GROUP_ACTIVE',
  'LOG_CLOSED',
]);

interface Wait {
  readonly sinceMs: number;
  readonly what: string;
}

/** What answers have told, group by group, and who still waits for one. */
class Witness {
  readonly #clock: ManualClock;
  readonly #leaders = new Map<string, string>();
  readonly #members = new Map<string, Set<string>>();
  readonly #generations = new Map<string, number>();
  readonly waiting = new Set<Wait>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  async watch<T>(what: string, work: Promise<T>): Promise<T | null> {
    const wait = { sinceMs: this.#clock.now(), what };
    this.waiting.add(wait);
    try {
      return await work;
    } catch (error) {
      if (isKitError(error, 'MEMBER_ID_REQUIRED')) throw error;
      assert.ok(isKitError(error) && REFUSALS.has(error.code), `${what}: ${error}`);
      return null;
    } finally {
      this.waiting.delete(wait);
    }
  }

  joined(groupId: string, { generation, memberId, leaderId, members, skipAssignment }: JoinAnswer): void {
    const key = `${groupId}/${generation}`;
    const ids = this.#members.get(key) ?? new Set();
    this.#members.set(key, ids.add(memberId));
    assert.ok(skipAssignment || members.length === 0 || leaderId === memberId, 'only a leader is told who is there');
    if (members.length === 0 || skipAssignment) return;
    assert.equal(this.#leaders.get(key) ?? memberId, memberId, `two lead ${key}`);
    this.#leaders.set(key, memberId);
    for (const each of members) ids.add(each.memberId);
  }

  assigned(groupId: string, generation: number, memberId: string, assignment: Buffer): void {
    if (assignment.length === 0) return;
    const [forGeneration, forMember] = String(assignment).split(' ');
    assert.equal(Number(forGeneration), generation, `${groupId}: an assignment of another generation`);
    assert.ok(this.#members.get(`${groupId}/${generation}`)!.has(memberId), `${memberId} is not in ${generation}`);
    const instance = /^(?:static|test)-?\d*/.exec(memberId)![0];
    assert.ok(forMember === memberId || (instance.startsWith('static') && forMember!.startsWith(`${instance}-`)));
  }

  look(group: GroupCoordinator): void {
    for (const groupId of GROUPS) {
      const { generation, state, members } = group.describe(groupId);
      const before = this.#generations.get(groupId) ?? 0;
      assert.ok(generation >= before || state === 'Dead', `${groupId} went from generation ${before} to ${generation}`);
      this.#generations.set(groupId, generation);
      assert.equal(members.length > 0 && (state === 'Empty' || state === 'Dead'), false, `${state} with members`);
      const instances = members.flatMap(({ groupInstanceId }) => groupInstanceId ?? []);
      assert.equal(new Set(instances).size, instances.length, 'an instance is there twice');
    }
    for (const { sinceMs, what } of this.waiting) {
      const waitedMs = this.#clock.now() - sinceMs;
      assert.ok(waitedMs <= REBALANCE_MS, `${what} has waited for ${waitedMs} ms`);
    }
  }
}

class Client {
  readonly #group: GroupCoordinator;
  readonly #witness: Witness;
  readonly #groupId: string;
  readonly #instanceId: string | null;
  readonly #options: { readonly memberIdRequired: boolean; readonly canSkipAssignment: boolean };
  #memberId = '';
  #generation = -1;
  #members: readonly string[] = [];

  constructor(number: number, group: GroupCoordinator, witness: Witness) {
    this.#group = group;
    this.#witness = witness;
    this.#groupId = GROUPS[number % 2]!;
    this.#instanceId = number < 4 ? null : `static${number}`;
    this.#options = { memberIdRequired: number !== 3, canSkipAssignment: number % 3 === 0 };
  }

  get #identity() {
    const [groupId, groupInstanceId] = [this.#groupId, this.#instanceId];
    return { groupId, groupInstanceId, memberId: this.#memberId, generation: this.#generation };
  }

  async join(): Promise<void> {
    const { groupId, memberId, groupInstanceId } = this.#identity;
    const asked = request(memberId, { groupId, groupInstanceId });
    try {
      const answer = await this.#witness.watch(`join ${groupId}`, this.#group.join(asked, this.#options));
      if (answer === null) return;
      this.#witness.joined(groupId, answer);
      this.#memberId = answer.memberId;
      this.#generation = answer.generation;
      this.#members = answer.members.map((member) => member.memberId);
    } catch (error) {
      if (!isKitError(error, 'MEMBER_ID_REQUIRED')) throw error;
      this.#memberId = String(error.details.memberId);
    }
  }

  async sync(): Promise<void> {
    const { groupId, memberId, generation } = this.#identity;
    const assignments = [...this.#members, 'ghost'].map((id) => {
      return { memberId: id, assignment: Buffer.from(`${generation} ${id}`) };
    });
    const syncing = this.#group.sync(this.#identity, assignments);
    const assignment = await this.#witness.watch(`sync ${groupId}`, syncing);
    if (assignment !== null) this.#witness.assigned(groupId, generation, memberId, assignment);
  }

  beat = (): Promise<unknown> => this.#witness.watch('heartbeat', this.#group.heartbeat(this.#identity));

  leave = (): Promise<unknown> => this.#witness.watch('leave', this.#group.leave(this.#identity));

  commit(): Promise<unknown> {
    const offsets = [{ topic: 't', partition: 0, offset: 1 }];
    return this.#witness.watch('commit', this.#group.commit(this.#identity, offsets));
  }

  /** A new process, which knows nothing. */
  async restart(): Promise<void> {
    this.#memberId = '';
    this.#generation = -1;
    this.#members = [];
  }

  async invent(): Promise<void> {
    this.#memberId = 'test-invented';
    this.#generation = 1;
  }
}

const acts = ['join', 'sync', 'beat', 'leave', 'commit', 'restart', 'invent'] as const;
const weights = [8, 8, 4, 1, 1, 1, 1];
const act = fc.record({
  who: fc.nat(CLIENTS - 1),
  act: fc.oneof(...acts.map((name, i) => ({ weight: weights[i]!, arbitrary: fc.constant(name) }))),
});
const pass = fc.record({ passMs: fc.integer({ min: 1, max: 5_000 }) });

test('whatever clients do, a group agrees with itself and nobody waits for ever', async () => {
  const steps = fc.array(fc.oneof({ weight: 4, arbitrary: act }, { weight: 1, arbitrary: pass }), LONG);
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0, INITIAL_DELAY_MS), async (history, initialRebalanceDelayMs) => {
      const { clock, group, store } = coordinator({ initialRebalanceDelayMs, maxMembers: 3, maxMemoryBytes: 9_000 });
      const witness = new Witness(clock);
      const clients = Array.from({ length: CLIENTS }, (_, number) => new Client(number, group, witness));
      const under: Promise<unknown>[] = [];
      for (const step of history) {
        if ('passMs' in step) await clock.advance(step.passMs);
        else under.push(clients[step.who]![step.act]());
        await settle();
        witness.look(group);
      }
      // Left alone, everybody is given up, and everything that was taken is given back.
      await clock.advance(REBALANCE_MS + SESSION_MS);
      await clock.advance(2 * REBALANCE_MS);
      await Promise.all(under);
      witness.look(group);
      assert.deepEqual([witness.waiting.size, clock.pending], [0, 0]);
      const protocols = [{ name: 'range', metadata: Buffer.alloc(9_000 - 1_400) }];
      const large = group.join(request('', { groupId: 'three', protocols }), { memberIdRequired: false });
      await clock.advance(INITIAL_DELAY_MS);
      await large;
      group.close();
      assert.equal(clock.pending, 0);
      store.close();
    }),
    { numRuns: 100 },
  );
});

test('closed in the middle of anything, it leaves no timer and nobody waiting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, LONG), async (history) => {
      const { clock, group, store } = coordinator();
      const witness = new Witness(clock);
      const clients = Array.from({ length: CLIENTS }, (_, number) => new Client(number, group, witness));
      const under: Promise<unknown>[] = [];
      for (const { who, act: what } of history) {
        under.push(clients[who]![what]());
        await settle();
      }
      group.close();
      assert.equal(clock.pending, 0);
      await Promise.all(under);
      assert.equal(witness.waiting.size, 0);
      store.close();
    }),
    { numRuns: 40 },
  );
});
