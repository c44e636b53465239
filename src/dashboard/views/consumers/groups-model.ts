/** Consumer groups in words and shapes. Pure. */
import type { Group, GroupSummary } from '../../../api/group-schemas.ts';
import type { Sample } from '../../../api/pulse-sample.ts';
import { plural, seconds } from '../../format.ts';
import type { StateKind } from '../../parts/state-kind.ts';

/** Kafka's words for a group's state, and what they mean. */
const STATES: Readonly<Record<string, { readonly kind: StateKind; readonly meaning: string }>> = {
  Stable: { kind: 'ok', meaning: 'its members know what each reads' },
  Empty: { kind: 'idle', meaning: 'it has offsets, and nobody reads' },
  PreparingRebalance: { kind: 'busy', meaning: 'members come or go, and nobody reads meanwhile' },
  CompletingRebalance: { kind: 'busy', meaning: 'its members are told what each reads' },
  Assigning: { kind: 'busy', meaning: 'it is being decided who reads what' },
  Reconciling: { kind: 'busy', meaning: 'members hand partitions over to one another' },
  NotReady: { kind: 'warn', meaning: 'what it needs is not there' },
  Dead: { kind: 'bad', meaning: 'it is being removed' },
};

export function stateOf(state: string | null): {
  readonly kind: StateKind;
  readonly text: string;
  readonly meaning: string;
} {
  if (state === null) return { kind: 'idle', text: 'not known', meaning: 'its coordinator does not answer' };
  return { text: state, ...(STATES[state] ?? { kind: 'warn', meaning: 'a state that is new here' }) };
}

/** What the group is for, in two words; '' for one of somebody else's. */
export function purposeOf(owner: GroupSummary['owner']): string {
  if (owner === null) return '';
  return owner === 'delivery' ? 'sends notices' : `feeds ${owner}`;
}

/** How long something waits; what does not wait is `0 s`, not a fraction of it. */
export function waitText(wait: number | null): string {
  return wait === 0 ? '0 s' : seconds(wait);
}

/** What the sample has is newer than the list, which is asked for less often. */
export function withPulse<G extends Pick<GroupSummary, 'group' | 'lag' | 'lag_seconds' | 'per_second' | 'lag_unknown'>>(
  groups: readonly G[],
  observedAt: string | null,
  sample: Pick<Sample, 'at' | 'groups'> | null,
): readonly G[] {
  if (sample === null || (observedAt !== null && Date.parse(sample.at) <= Date.parse(observedAt))) return groups;
  const flows = new Map(sample.groups.map((flow) => [flow.group, flow]));
  return groups.map((group) => {
    const flow = flows.get(group.group);
    // of a group without any offsets the sample knows no lag
    if (flow === undefined || group.lag === null) return group;
    const { lag, lag_seconds, per_second } = flow;
    return { ...group, lag, lag_seconds, per_second: per_second ?? group.per_second };
  });
}

const STALE_MS = 15_000;

/** How old what is known of the groups is, where the log has not told for too long; null where it is fresh. By the server's clock. */
export function staleMs(observedAt: string | null, sample: Pick<Sample, 'at'> | null): number | null {
  if (observedAt === null || sample === null) return null;
  const age = Date.parse(sample.at) - Date.parse(observedAt);
  return age > STALE_MS ? age : null;
}

export function matches(
  { group, owner, topics }: Pick<GroupSummary, 'group' | 'owner' | 'topics'>,
  text: string,
): boolean {
  const wanted = text.trim().toLowerCase();
  return [group, owner ?? '', ...topics].some((one) => one.toLowerCase().includes(wanted));
}

/** `0–3, 7`: partitions as runs. */
export function rangesText(partitions: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const partition of [...partitions].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === partition - 1) run[1] = partition;
    else runs.push([partition, partition]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(', ');
}

/** The newest steps of a course: from where it is known, `least` of them at least. */
export function lately<V>(course: readonly (V | null)[], least = 12): readonly (V | null)[] {
  const first = course.findIndex((value) => value !== null);
  return course.slice(first < 0 ? -least : Math.min(first, course.length - least));
}

export interface Ownership {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Member ids, in the order of the group's members. */
  readonly owners: readonly (string | null)[];
}

/** Who reads which partition, topic by topic. */
export function ownership({ partitions }: Pick<Group, 'partitions'>): Ownership[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(({ partition }) => partition),
    owners: of.map(({ member_id }) => member_id),
  }));
}

/** Names of members as people tell them apart: the client id, and a part of the member id where several share one. */
export function memberNames(
  members: readonly { readonly member_id: string; readonly client_id: string }[],
): Map<string, string> {
  const sameName = Map.groupBy(members, ({ client_id }) => client_id);
  return new Map(
    members.map(({ member_id, client_id }) => {
      if (client_id === '') return [member_id, member_id];
      if (sameName.get(client_id)!.length === 1) return [member_id, client_id];
      return [member_id, `${client_id} …${member_id.slice(-6)}`];
    }),
  );
}

/** Why the lag is not, or not wholly, known; null where it is. */
export function unknownLag({ lag_unknown: unknown }: Pick<GroupSummary, 'lag_unknown'>): string | null {
  if (unknown === 0) return null;
  return `not known of ${plural(unknown, 'partition')}: nothing is committed there yet, or its leader does not answer`;
}
