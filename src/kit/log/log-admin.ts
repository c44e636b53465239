/**
 * What operators do to a log, apart from the port that events go through: configuration, deletion, groups, access rules.
 * Both logs are administered by Kafka's protocol, the embedded one through its broker; `kafka/kafka-admin.ts` is the adapter.
 */
import type { PartitionOffset, TopicPartition } from './event-log.ts';

export interface ConfigEntry {
  readonly name: string;
  /** Null for one that is sensitive. */
  readonly value: string | null;
  /** Where the value comes from, in Kafka's words: `DYNAMIC_TOPIC_CONFIG`, `DEFAULT_CONFIG`, … (KIP-226). */
  readonly source: string;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
}

export interface ConfigResource {
  readonly type: 'topic' | 'broker';
  /** A topic's name, or a broker's node id as text. */
  readonly name: string;
}

export interface GroupListing {
  readonly groupId: string;
  /** `consumer`, `connect`, …; empty where the group never had members. */
  readonly protocolType: string;
  /** `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Assigning`, `Reconciling`, `Dead`. */
  readonly state: string;
  /** `classic`, `consumer` (KIP-848), `share` or `streams`, in lower case; empty where the broker does not tell. */
  readonly type: string;
}

export interface GroupMemberDescription {
  readonly memberId: string;
  /** Of a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  /** As the broker saw it, e.g. `/127.0.0.1`. */
  readonly host: string;
  readonly assignment: readonly TopicPartition[];
}

export interface GroupDescription extends GroupListing {
  /** `range`, `roundrobin`, `uniform`, …; empty unless the group has members. */
  readonly assignor: string;
  /** Node id of the broker that coordinates it. */
  readonly coordinator: number;
  /** One more with every rebalance; null where the broker does not tell: Kafka's of a classic group. */
  readonly generation: number | null;
  readonly members: readonly GroupMemberDescription[];
}

export interface AccessRule {
  readonly principal: string;
  readonly host: string;
  /** `Read`, `Write`, `Describe`, `All`, … */
  readonly operation: string;
  readonly permission: 'Allow' | 'Deny';
  readonly resourceType: string;
  readonly resourceName: string;
  /** `Literal` or `Prefixed`. */
  readonly patternType: string;
}

/** @throws KitError LOG_UNAVAILABLE from every method; REFUSED_BY_KAFKA where the cluster's rules refuse it */
export interface LogAdmin {
  /**
   * Resolves once no broker knows them. One refusal does not keep the others from being deleted.
   *
   * @throws KitError UNKNOWN_TOPIC, TOPIC_DELETION_DISABLED; `deleted` in the details has those that are gone
   */
  deleteTopics(names: readonly string[]): Promise<void>;
  /**
   * To `total` partitions. Records of a key may land elsewhere from now on.
   *
   * @param options.validateOnly asks the cluster whether it would, and changes nothing
   * @throws KitError UNKNOWN_TOPIC, INVALID_PARTITIONS
   */
  addPartitions(topic: string, total: number, options?: { readonly validateOnly?: boolean }): Promise<void>;
  /** On the disks of all brokers, replicas counted each; null where a broker does not tell. */
  bytesOf(topic: string): Promise<number | null>;
  /** In the order of names. @throws KitError UNKNOWN_TOPIC, UNKNOWN_BROKER */
  describeConfigs(resource: ConfigResource): Promise<ConfigEntry[]>;
  /**
   * Changes only what is named; null goes back to the default (KIP-339). Resolves once every broker knows of a topic's change.
   *
   * @throws KitError UNKNOWN_TOPIC, UNKNOWN_BROKER, INVALID_CONFIG
   */
  alterConfigs(
    resource: ConfigResource,
    changes: Readonly<Record<string, string | null>>,
    options?: { readonly validateOnly?: boolean },
  ): Promise<void>;
  /** Of all brokers, ascending by id. */
  listGroups(): Promise<GroupListing[]>;
  /** @throws KitError UNKNOWN_GROUP; GROUP_TYPE_UNSUPPORTED for share and streams groups */
  describeGroup(groupId: string): Promise<GroupDescription>;
  /** Every offset the group has committed; none for a group that is not there. */
  committed(groupId: string): Promise<PartitionOffset[]>;
  /** @throws KitError GROUP_ACTIVE while the group has members; UNKNOWN_GROUP */
  deleteGroup(groupId: string): Promise<void>;
  /** @throws KitError GROUP_SUBSCRIBED while a member may read the topic; UNKNOWN_GROUP, UNKNOWN_TOPIC */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void>;
  /** @throws KitError ACLS_NOT_SUPPORTED where the cluster has no authorizer, or the log knows no access rules */
  accessRules(): Promise<AccessRule[]>;
  close(): Promise<void>;
}
