/**
 * What group membership needs of a log, shaped after Kafka's classic group protocol, so that one state machine
 * (`membership.ts`) serves the embedded coordinator and Kafka's, and so that members of any make can share a group.
 * Source: Kafka protocol guide, JoinGroup/SyncGroup/Heartbeat/LeaveGroup/OffsetCommit/OffsetFetch.
 */
import type { PartitionBatch, PartitionOffset, TopicPartition } from './event-log.ts';

export interface JoinRequest {
  readonly groupId: string;
  /** Empty for a new member. */
  readonly memberId: string;
  readonly clientId: string;
  /** As Kafka's tools show it. */
  readonly clientHost?: string;
  /** Makes the member a static one (KIP-345): whoever comes with this id takes its place. */
  readonly groupInstanceId?: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface JoinResponse {
  readonly generation: number;
  readonly memberId: string;
  readonly leaderId: string;
  readonly protocolName: string;
  /** Filled for the leader only. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export interface MemberIdentity {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
  readonly groupInstanceId?: string | null;
}

/**
 * @throws KitError MEMBER_ID_REQUIRED (`details.memberId`), REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID,
 *   INCONSISTENT_GROUP_PROTOCOL, INVALID_SESSION_TIMEOUT, GROUP_ACTIVE; LOG_UNAVAILABLE (retriable: coordinator not reachable or moved)
 */
export interface GroupTransport {
  join(request: JoinRequest): Promise<JoinResponse>;
  /** Followers send no assignments; the answer is this member's. */
  sync(
    member: MemberIdentity,
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): Promise<Buffer>;
  heartbeat(member: MemberIdentity): Promise<void>;
  leave(member: MemberIdentity): Promise<void>;
  /** `generation` -1 and an empty `memberId`: a commit from outside, allowed while the group has no members. */
  commit(member: MemberIdentity, offsets: readonly PartitionOffset[]): Promise<void>;
  committed(groupId: string): Promise<PartitionOffset[]>;
}

export interface FetchPosition extends TopicPartition {
  readonly offset: number;
}

/** Reads many partitions in one request, as a member does. */
export interface FetchSource {
  partitionCount(topic: string): Promise<number>;
  /** The node that serves a partition now; partitions of one node are fetched together. */
  leaderOf(partition: TopicPartition): Promise<number>;
  /**
   * Waits up to `maxWaitMs` for at least one record. Partitions without news are left out of the answer.
   * @throws KitError OFFSET_OUT_OF_RANGE (`details.topic/partition/earliest/latest`), CORRUPT_BATCH, LOG_UNAVAILABLE (retriable)
   */
  fetch(
    leader: number,
    positions: readonly FetchPosition[],
    options: { readonly maxBytes: number; readonly maxWaitMs: number; readonly signal: AbortSignal },
  ): Promise<PartitionBatch[]>;
}
