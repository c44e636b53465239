/** What a Kafka cluster's coordinators say of consumer groups. */
import { consumerGroupDescribeV0, describeGroupsV5, listGroupsV4, offsetFetchV9 } from '@platformatic/kafka';
import { isKitError } from '../errors.ts';
import { addressOf } from '../log/kafka/cluster-view.ts';
import { errorName, refusal } from '../log/kafka/errors.ts';
import { classicGroup, consumerGroup } from '../log/kafka/group-descriptions.ts';
import type { GroupDescription } from '../log/log-admin.ts';
import type { BoundedAsking } from './bounded-asking.ts';
import type { ClusterFacts, GroupFacts } from './cluster-facts.ts';
import { CONSUMERS, MAX_GROUPS } from './group-look.ts';

const DEAD = 'Dead';

interface Coordinator {
  readonly id: number;
  readonly address: string;
}

interface Listed extends Coordinator {
  readonly group: string;
}

/** Consumer groups by name; each broker knows those that it coordinates. */
export async function groupFacts(asking: BoundedAsking, brokers: ClusterFacts['registered']): Promise<GroupFacts[]> {
  const lists = await Promise.all(
    brokers.map((broker) =>
      asking.part(`broker ${broker.id}`, groupsAt(asking, { id: broker.id, address: addressOf(broker) })),
    ),
  );
  const listed = lists.flatMap((list) => list ?? []).sort((a, b) => (a.group < b.group ? -1 : 1));
  if (listed.length > MAX_GROUPS)
    asking.note('groups', `${listed.length} are there, the first ${MAX_GROUPS} are shown`);
  const byCoordinator = Map.groupBy(listed.slice(0, MAX_GROUPS), ({ address }) => address);
  const described = await Promise.all([...byCoordinator.values()].map((groups) => describe(asking, groups)));
  return described.flat().sort((a, b) => (a.group < b.group ? -1 : 1));
}

async function groupsAt(asking: BoundedAsking, at: Coordinator): Promise<Listed[]> {
  const { errorCode, groups } = await asking.ask(at.address, listGroupsV4.api, [[], []]);
  if (errorCode !== 0) throw refusal(errorCode, 'list groups');
  return groups
    .filter(({ protocolType }) => CONSUMERS.has(protocolType))
    .map(({ groupId }) => ({ group: groupId, ...at }));
}

async function describe(asking: BoundedAsking, listed: readonly Listed[]): Promise<GroupFacts[]> {
  const [coordinator] = listed;
  if (coordinator === undefined) return [];
  const { address } = coordinator;
  const names = listed.map(({ group }) => group);
  const [members, committed] = await Promise.all([
    asking.part(`members of groups at ${address}`, membersAt(asking, coordinator, names)),
    asking.part(`offsets of groups at ${address}`, committedAt(asking, address, names)),
  ]);
  return names.flatMap((group) => {
    const offsets = committed?.get(group);
    if (offsets === undefined) return [];
    const description = members?.get(group) ?? null;
    const { state = null, members: present } = description ?? {};
    return [{ group, state, members: present?.length ?? null, committed: offsets, description }];
  });
}

/** DescribeGroups calls a group of the newer protocol (KIP-848) dead: that one is asked for with its own request. */
async function membersAt(
  asking: BoundedAsking,
  { id, address }: Coordinator,
  names: readonly string[],
): Promise<Map<string, GroupDescription>> {
  const { groups } = await asking.ask(address, describeGroupsV5.api, [[...names], false]);
  const found = new Map(groups.map((one) => [one.groupId, described(() => classicGroup(one, id))] as const));
  const newer = names.filter((name) => (found.get(name)?.state ?? DEAD) === DEAD);
  if (newer.length > 0) {
    const answer = await asking.ask(address, consumerGroupDescribeV0.api, [newer, false]).catch(() => null);
    for (const one of answer?.groups ?? []) if (one.errorCode === 0) found.set(one.groupId, consumerGroup(one, id));
  }
  return new Map([...found].filter((entry): entry is [string, GroupDescription] => entry[1] !== null));
}

/** Null where members have written what nobody can read. */
function described(describe: () => GroupDescription): GroupDescription | null {
  try {
    return describe();
  } catch (error) {
    if (isKitError(error, 'INCONSISTENT_GROUP_PROTOCOL')) return null;
    throw error;
  }
}

async function committedAt(
  asking: BoundedAsking,
  address: string,
  names: readonly string[],
): Promise<Map<string, GroupFacts['committed']>> {
  const wanted = names.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: null }));
  const { groups } = await asking.ask(address, offsetFetchV9.api, [wanted, false]);
  const found = new Map<string, GroupFacts['committed']>();
  for (const { groupId, errorCode, topics } of groups) {
    if (errorCode !== 0) {
      asking.note(`group ${groupId}`, errorName(errorCode));
      continue;
    }
    const offsets = topics.flatMap(({ name: topic, partitions }) =>
      partitions
        .filter((one) => one.errorCode === 0 && one.committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({
          topic,
          partition: partitionIndex,
          offset: Number(committedOffset),
        })),
    );
    found.set(groupId, offsets);
  }
  return found;
}
