/** Consumer groups, ours and others', for API and page: where they stand, and where they go on. */
import { isKitError, KitError } from '../../kit/errors.ts';
import type { GroupsOfLog } from '../../kit/log/embedded/embedded-groups.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../../kit/log/event-log.ts';
import type { GroupDescription } from '../../kit/log/log-admin.ts';
import { effectOf, isInactive, planResetOf, type ResetEffect, type ResetTarget } from '../../kit/log/offset-reset.ts';
import { type PartitionChoice, partitionsChosen } from '../../kit/log/partition-choice.ts';
import { keyOf } from '../../kit/log/topic-report.ts';
import type { ProjectionName } from '../projection.ts';
import type { ProjectionStatus } from '../projection-status.ts';
import { notOfProjection } from './group-owner.ts';
import { type GroupView, withStored } from './group-view.ts';
import type { GroupWatch } from './group-watch.ts';

export interface GroupsOptions {
  readonly log: EventLog;
  /** Null where the log cannot be administered now. */
  readonly admin: () => GroupsOfLog | Promise<GroupsOfLog> | null;
  readonly watch: GroupWatch;
  /** Looks at the log, so that the watch has seen it within the last second. */
  readonly look: () => Promise<unknown>;
  /** What was known is out of date. */
  readonly lookAgain: () => void;
  readonly groupId: string;
  /** Where a projection of ours is, by its store. */
  readonly projectionStatus: (name: ProjectionName) => Promise<ProjectionStatus>;
}

export interface GroupDetail {
  readonly view: GroupView;
  /** Of a projection of ours; null for other groups, and where its store cannot be read now. */
  readonly projection: ProjectionStatus | null;
}

export interface ResetRequest {
  readonly target: ResetTarget;
  /** Null: every partition that the group has an offset of. Not with a target that names its partitions. */
  readonly topics: readonly PartitionChoice[] | null;
  /** Also for a group that is not there yet. */
  readonly create: boolean;
  /** Else it is only said what would change. */
  readonly execute: boolean;
}

export interface PlannedReset extends TopicPartition {
  readonly from: number | null;
  readonly to: number;
  readonly start: number;
  readonly end: number;
  readonly effect: ResetEffect['kind'];
  readonly records: number;
}

export interface GroupReset {
  readonly group: string;
  readonly state: string;
  readonly executed: boolean;
  /** Why it cannot be executed now, and what to do; null where it can. */
  readonly blocked: { readonly code: string; readonly detail: string } | null;
  readonly resets: readonly PlannedReset[];
  readonly warnings: readonly string[];
}

const MAX_PARTITIONS = 20_000;
const SHOWN_MEMBERS = 3;

export class Groups {
  readonly watch: GroupWatch;
  readonly #options: GroupsOptions;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.watch = options.watch;
  }

  /** At most about a second old. */
  async list(): Promise<readonly GroupView[]> {
    await this.#options.look();
    return this.watch.groups();
  }

  /** @throws KitError UNKNOWN_GROUP */
  async detail(group: string): Promise<GroupDetail> {
    const view = (await this.#look(group)) ?? (await this.#lookAgain(group));
    if (view === null)
      throw new KitError('UNKNOWN_GROUP', `There is no consumer group '${group}' with members or offsets.`, {
        details: { group },
      });
    if (view.owner === null || view.owner === 'delivery') return { view, projection: null };
    try {
      const projection = await this.#options.projectionStatus(view.owner);
      return { view: withStored(view, projection), projection };
    } catch (error) {
      if (isKitError(error) && error.retriable) return { view, projection: null };
      throw error;
    }
  }

  /**
   * @throws KitError PROJECTION_GROUP, UNKNOWN_GROUP, UNKNOWN_TOPIC, UNKNOWN_PARTITION, NO_COMMITTED_OFFSET, TOO_MANY_ITEMS,
   *   LOG_UNAVAILABLE; GROUP_ACTIVE where it is to be executed and the group has members
   */
  async reset(group: string, { target, topics, create, execute }: ResetRequest): Promise<GroupReset> {
    const { log, groupId } = this.#options;
    notOfProjection(group, groupId);
    const admin = await this.#admin();
    const description = await this.#describe(group, create);
    const committed = await admin.committed(group);
    const partitions = await partitionsChosen(log, choicesOf(target, topics, committed));
    if (partitions.length > MAX_PARTITIONS)
      throw new KitError(
        'TOO_MANY_ITEMS',
        `These are ${partitions.length} partitions: at most ${MAX_PARTITIONS} at once.`,
      );
    const { resets, warnings, ends } = await planResetOf(log, partitions, target, committed);
    const active = description === null || isInactive(description.state) ? null : groupActive(description);
    if (execute) {
      if (active !== null) throw active;
      await log.group(group).commit(resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to })));
      this.#options.lookAgain();
    }
    return {
      group,
      state: description?.state ?? 'Dead',
      executed: execute,
      blocked: active === null ? null : { code: active.code, detail: active.message },
      resets: resets.map((reset) => {
        const { kind, records } = effectOf(reset);
        return { ...reset, ...ends.get(keyOf(reset))!, effect: kind, records };
      }),
      warnings,
    };
  }

  /** With its offsets, which are answered. @throws KitError UNKNOWN_GROUP, GROUP_ACTIVE, LOG_UNAVAILABLE */
  async delete(group: string): Promise<readonly PartitionOffset[]> {
    const admin = await this.#admin();
    const description = await admin.describeGroup(group);
    if (!isInactive(description.state)) throw groupActive(description);
    const offsets = await admin.committed(group);
    await admin.deleteGroup(group);
    this.watch.forget(group);
    this.#options.lookAgain();
    return offsets;
  }

  async #look(group: string): Promise<GroupView | null> {
    await this.#options.look();
    return this.watch.group(group);
  }

  /** It may have come since the last look. */
  #lookAgain(group: string): Promise<GroupView | null> {
    this.#options.lookAgain();
    return this.#look(group);
  }

  async #admin(): Promise<GroupsOfLog> {
    const admin = await this.#options.admin();
    if (admin !== null) return admin;
    throw new KitError('LOG_UNAVAILABLE', 'The log cannot be asked about its groups now.', { retriable: true });
  }

  async #describe(group: string, create: boolean): Promise<GroupDescription | null> {
    try {
      return await (await this.#admin()).describeGroup(group);
    } catch (error) {
      if (create && isKitError(error, 'UNKNOWN_GROUP')) return null;
      throw error;
    }
  }
}

function choicesOf(
  target: ResetTarget,
  topics: readonly PartitionChoice[] | null,
  committed: readonly PartitionOffset[],
): readonly PartitionChoice[] {
  const named = target.to === 'plan' ? target.offsets : committed;
  if (topics !== null && target.to !== 'plan') return topics;
  return [...Map.groupBy(named, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(({ partition }) => partition),
  }));
}

function groupActive({ groupId, state, members }: GroupDescription): KitError {
  const names = [...new Set(members.map(({ clientId, memberId }) => clientId || memberId))];
  const shown = names.slice(0, SHOWN_MEMBERS).join(', ');
  const rest = names.length > SHOWN_MEMBERS ? ` and ${names.length - SHOWN_MEMBERS} more` : '';
  const count = members.length === 1 ? '1 member' : `${members.length} members`;
  const who = members.length === 0 ? `it is ${state}` : `it is ${state} with ${count} (${shown}${rest})`;
  return new KitError(
    'GROUP_ACTIVE',
    `Nobody may be in '${groupId}' meanwhile, but ${who}. Stop its members, wait until its state is Empty (a member that was ` +
      'killed is gone after its session timeout), then try again.',
    { details: { group: groupId, state, members: members.length } },
  );
}
