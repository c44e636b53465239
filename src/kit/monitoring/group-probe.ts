/** What a Kafka cluster's coordinators say of consumer groups. */
import { consumerGroupDescribeV0, describeGroupsV5, listGroupsV4, offsetFetchV9 } from '@platformatic/kafka';
import { addressOf } from '../log/kafka/cluster-view.ts';
import { errorName, refusal } from '../log/kafka/errors.ts';
import type { BoundedAsking } from './bounded-asking.ts';
import type { ClusterFacts, GroupFacts } from './cluster-facts.ts';

/** Of one look, over all coordinators. */
const MAX_GROUPS = 200;
/** Members that assign partitions themselves are a group without a type. */
const CONSUMERS = new Set(['consumer', '']);
const DEAD = 'Dead';

interface Listed {
  readonly group: string;
  readonly address: string;
}

/** Consumer groups by name; each broker knows those that it coordinates. */
export async function groupFacts(asking: BoundedAsking, brokers: ClusterFacts['registered']): Promise<GroupFacts[]> {
  const lists = await Promise.all(
    brokers.map((broker) => asking.part(`broker ${broker.id}`, groupsAt(asking, addressOf(broker)))),
  );
  const listed = lists.flatMap((list) => list ?? []).sort((a, b) => (a.group < b.group ? -1 : 1));
  if (listed.length > MAX_GROUPS)
    asking.note('groups', `${listed.length} are there, the first ${MAX_GROUPS} are shown`);
  const byAddress = Map.groupBy(listed.slice(0, MAX_GROUPS), ({ address }) => address);
  const described = await Promise.all([...byAddress].map(([address, groups]) => describe(asking, address, groups)));
  return described.flat().sort((a, b) => (a.group < b.group ? -1 : 1));
}

async function groupsAt(asking: BoundedAsking, address: string): Promise<Listed[]> {
  const { errorCode, groups } = await asking.ask(address, listGroupsV4.api, [[], []]);
  if (errorCode !== 0) throw refusal(errorCode, 'list groups');
  return groups
    .filter(({ protocolType }) => CONSUMERS.has(protocolType))
    .map(({ groupId }) => ({ group: groupId, address }));
}

async function describe(asking: BoundedAsking, address: string, listed: readonly Listed[]): Promise<GroupFacts[]> {
  const names = listed.map(({ group }) => group);
  const [members, committed] = await Promise.all([
    asking.part(`members of groups at ${address}`, membersAt(asking, address, names)),
    asking.part(`offsets of groups at ${address}`, committedAt(asking, address, names)),
  ]);
  return names.flatMap((group) => {
    const offsets = committed?.get(group);
    if (offsets === undefined) return [];
    const { state = null, count = null } = members?.get(group) ?? {};
    return [{ group, state, members: count, committed: offsets }];
  });
}

interface Membership {
  readonly state: string;
  readonly count: number;
}

/** DescribeGroups calls a group of the newer protocol (KIP-848) dead: that one is asked for with its own request. */
async function membersAt(
  asking: BoundedAsking,
  address: string,
  names: readonly string[],
): Promise<Map<string, Membership>> {
  const { groups } = await asking.ask(address, describeGroupsV5.api, [[...names], false]);
  const found = new Map(
    groups.map((one) => [one.groupId, { state: one.groupState, count: one.members.length }] as const),
  );
  const newer = names.filter((name) => (found.get(name)?.state ?? DEAD) === DEAD);
  if (newer.length === 0) return found;
  const answer = await asking.ask(address, consumerGroupDescribeV0.api, [newer, false]).catch(() => null);
  for (const one of answer?.groups ?? []) {
    if (one.errorCode === 0) found.set(one.groupId, { state: one.groupState, count: one.members.length });
  }
  return found;
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
